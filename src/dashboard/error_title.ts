/** What an error is called in the title and the heading of its page, and whether asking again may help. */
import { HttpError } from "fresh";

const TITLES: Readonly<Record<number, string>> = {
  400: "That could not be understood",
  404: "Not found",
  503: "No figures to show",
};

/** Status of the answer that shows it. */
export function statusOf(error: unknown): number {
  return error instanceof HttpError ? error.status : 500;
}

export function errorTitle(error: unknown): string {
  return TITLES[statusOf(error)] ?? "Something went wrong";
}

/** Seconds after which its page is loaded anew; undefined where that would show the same. */
export function retrySeconds(error: unknown): number | undefined {
  return statusOf(error) === 503 ? 5 : undefined;
}
