// Slack's signature: HMAC-SHA-256 over the time and the very bytes of the body
// (https://docs.slack.dev/authentication/verifying-requests-from-slack).

import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 300;

/** Why a delivery is to be refused, as {status, why}; undefined where it is genuine. */
export function refusal(secret, headers, body, now) {
  const time = headers["x-slack-request-timestamp"] ?? "";
  const claimed = Buffer.from(headers["x-slack-signature"] ?? "");
  if (!/^\d{1,12}$/.test(time)) return { status: 400, why: "no time" };
  const made = createHmac("sha256", secret).update(`v0:${time}:`).update(body).digest("hex");
  const expected = Buffer.from(`v0=${made}`);
  if (claimed.length !== expected.length || !timingSafeEqual(claimed, expected)) {
    return { status: 401, why: "bad signature" };
  }
  // Only a genuine time says anything.
  if (Math.abs(now.getTime() / 1000 - Number(time)) > TOLERANCE_S) return { status: 400, why: "stale" };
  return undefined;
}
