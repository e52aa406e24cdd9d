// What the app says: why a session ended, and what an error means to whoever sits in front of it.

import { type Ended, RelatchError } from "relatch";
import { Refused } from "./notes";

interface Reason {
  title: string;
  text: string;
  /** Whether somebody may have meant harm. */
  grave?: true;
}

/** Every reason of the server's; docs/errors.md lists them. */
const REASONS: Record<string, Reason> = {
  logout: { title: "You logged out", text: "It was done in this browser, maybe in another tab." },
  logout_everywhere: {
    title: "You logged out everywhere",
    text: "All your devices were logged out together, from one of them.",
  },
  ended_by_user: {
    title: "You were logged out from another device",
    text: "Somebody who is logged in to your account ended this session in the list of devices. If that wasn’t you, change your password.",
  },
  password_changed: {
    title: "Your password was changed",
    text: "That logs out every device but the one it was changed on. If that wasn’t you, have your account looked at by an administrator at once.",
    grave: true,
  },
  reuse: {
    title: "Someone used an old copy of your login",
    text: "Two parties held the same login, so it may have been copied from this device. Nobody can go on with it now, neither they nor you. Log in again, change your password, and look whether you know all your devices.",
    grave: true,
  },
  session_limit: {
    title: "You have logged in on too many devices",
    text: "A newer login took the place of this one, which had been unused longest.",
  },
  idle: {
    title: "You have been away for a while",
    text: "A session that nobody uses ends by itself. Log in to go on where you were.",
  },
  expired: {
    title: "It is time to log in again",
    text: "Even a session in daily use ends one day, so that a forgotten one does.",
  },
  user_disabled: {
    title: "Your account is disabled",
    text: "An administrator has done that. Logging in works again once they enable it.",
    grave: true,
  },
  user_deleted: { title: "Your account is gone", text: "It was deleted, by you or by an administrator." },
  generation_exhausted: {
    title: "It is time to log in again",
    text: "This session was renewed as often as can be counted.",
  },
  ended_by_administrator: {
    title: "An administrator ended this session",
    text: "Your account is as it was. If you don’t know why, ask them; then log in again.",
  },
  backup_restored: {
    title: "The server went back to a backup",
    text: "Everybody was logged out with that, and you may find your latest changes missing.",
  },
  replaced: {
    title: "Another login took the place of this one",
    text: "A browser holds one login at a time, and somebody has logged in with this one since.",
  },
  seen_in_the_clear: {
    title: "Your login crossed the network unencrypted",
    text: "Others on the way may have read it, so it was ended before they could use it. Log in again, and change your password if you typed it just then.",
    grave: true,
  },
};

/** What only the client can know. */
const OWN: Record<string, Reason> = {
  cookie_lost: {
    title: "This browser has forgotten your login",
    text: "The cookie that keeps it is gone: it was cleared, or the browser was closed and you had not asked to stay logged in.",
  },
  key_lost: {
    title: "This browser has lost the key of your login",
    text: "The login is good with its key alone, which cannot be copied. It was cleared together with the data of this page.",
  },
};

const UNKNOWN: Reason = { title: "Your session has ended", text: "The server ended it. Log in to go on." };

/** Why a session ended, in words. */
export function reason(ended: Ended): Reason {
  return REASONS[ended.reason] ?? OWN[ended.reason] ?? UNKNOWN;
}

const MEANINGS: Record<string, string> = {
  invalid_credentials: "The username or the password is wrong.",
  user_disabled: "This account is disabled. An administrator can enable it.",
  registration_closed: "Nobody can sign up here. Accounts come from an administrator.",
  session_ended: "Your session has ended.",
  session_unknown: "Your session has ended.",
  overloaded: "The server is busy. Try again in a moment.",
  unavailable: "The server cannot answer right now. Try again in a moment.",
  internal: "Something went wrong on the server. Try again in a moment.",
  origin_not_allowed: "The server does not let this page log in: its address is missing in browser.origins.",
};

const UNREACHED = "The server cannot be reached. Check your connection and try again.";

const ACTIONS: Record<string, string> = {
  "notes:create": "add notes",
  "notes:read": "read notes",
  "notes:update": "change notes",
  "notes:delete": "delete notes",
};

/** What an error means, in a sentence or two. */
export function meaning(error: unknown): string {
  if (error instanceof Refused) return refusal(error);
  if (unreached(error)) return UNREACHED;
  if (!(error instanceof RelatchError))
    return "Something went wrong in this page. Load it anew and try again.";
  if (error.code === "rate_limited") return `Too many attempts. Try again ${wait(error.retryAfter)}.`;
  return MEANINGS[error.code] ?? error.detail ?? error.message;
}

/** Whether no answer came at all. */
export function unreached(error: unknown): boolean {
  if (error instanceof RelatchError) return error.status === undefined && error.ended === undefined;
  return error instanceof TypeError;
}

function refusal({ status, permission }: Refused): string {
  if (status === 403 && permission)
    return `You may not ${ACTIONS[permission] ?? `do this (${permission})`}. An administrator can give you a role that permits it.`;
  if (status === 404) return "This note is not there any more.";
  if (status === 413) return "This note is too long.";
  return "The notes cannot be reached right now. Try again in a moment.";
}

function wait(seconds: number | undefined): string {
  if (!seconds) return "later";
  if (seconds < 90) return `in ${seconds} seconds`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}
