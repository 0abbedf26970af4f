/**
 * What a loop is doing, as one number that the watchdog reads when the loop does not turn any more. Those from 8 on
 * are about a descriptor (linux/watchdog.ts).
 */
export const Activity = {
  Waiting: 0,
  Flushing: 1,
  Deferred: 2,
  Timers: 3,
  Control: 4,
  Event: 8,
  Connection: 9,
  Accepting: 10,
  ControlConnection: 11,
} as const;

/** How they are told. */
export const ACTIVITY_TEXTS: Readonly<Record<number, string>> = {
  [Activity.Waiting]: "waiting for events",
  [Activity.Flushing]: "writing what a turn had gathered",
  [Activity.Deferred]: "running what was put off to the next turn",
  [Activity.Timers]: "firing timers",
  [Activity.Control]: "running control work",
  [Activity.Event]: "handling an event",
  [Activity.Connection]: "handling a connection",
  [Activity.Accepting]: "accepting connections",
  [Activity.ControlConnection]: "handling a connection of its own",
};
