/** Over which time figures are: links, so that every choice has an address. */
import { WINDOWS, withWindow } from "../model/resource.ts";

export function WindowChoice({ path, window }: { path: string; window: string }) {
  const known = WINDOWS.some((one) => one.window === window);
  const choices = known ? WINDOWS : [...WINDOWS, { window, title: window }];
  return (
    <nav class="choice" aria-label="Time window">
      {choices.map((choice) => (
        <a
          key={choice.window}
          href={withWindow(path, choice.window)}
          aria-current={choice.window === window ? "true" : undefined}
        >
          {choice.title}
        </a>
      ))}
    </nav>
  );
}
