import { equal } from "node:assert/strict";
import { EPOLLIN } from "../../linux/epoll.ts";
import { createEventfd, drain, notify } from "../../linux/eventfd.ts";
import { close } from "../../linux/socket.ts";
import type { Dialer } from "../connect/dialer.ts";
import type { ControlPlane } from "../control/plane.ts";
import type { Runtime } from "../runtime.ts";
import { Loop } from "../worker/loop.ts";
import { Destination } from "./destination.ts";
import type { Services } from "./services.ts";

Deno.test("a lookup that an event begins goes on before the loop waits for the next event", async () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const steps = async (count: number): Promise<void> => count === 0 ? undefined : await steps(count - 1);
  const control: Pick<ControlPlane, "watchOutbound"> = {
    watchOutbound: (_target, _onUpdate, onFailed) => {
      steps(10).then(() => onFailed("no such name"));
      return { cancel() {} };
    },
  };
  const runtime = { control, loop } as unknown as Runtime, fd = createEventfd();
  let destination: Destination | undefined, wasKnown = false;
  loop.add(fd, EPOLLIN, {
    onEvents: () => {
      drain(fd);
      destination = new Destination(runtime, {} as Dialer, {} as Services, { ip: "10.43.0.7", port: 80 });
      loop.after(100, () => { // the next event: a busy loop would have asked long before
        wasKnown = destination!.isKnown;
        loop.stop();
      });
    },
    onFault: () => {},
  });
  notify(fd);
  await loop.run();
  close(fd);
  equal(wasKnown, true);
});
