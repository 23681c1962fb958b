// Texts of times, durations, sizes and counts. Prices and quantities are never made here: they are
// shown as the server sent them.

const COUNT = new Intl.NumberFormat("en");
const two = (number) => String(number).padStart(2, "0");

export const count = (number) => COUNT.format(number);

/** "12:03:11" in UTC; with milliseconds where they matter. */
export function clock(at, exact = false) {
  const date = new Date(at);
  const text = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return exact ? `${text}.${String(date.getUTCMilliseconds()).padStart(3, "0")}` : text;
}

/** "2026-01-31 12:03" in UTC. */
export function moment(at) {
  const date = new Date(at);
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

/** How long something lasts already: "12 s", "3 min 5 s", "2 h 4 min", "3 d 2 h". */
export function since(from, now) {
  const seconds = Math.max(0, Math.floor((now - from) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A duration of so many milliseconds, in three digits: "84 µs", "1.24 ms", "2.1 s". */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
  if (ms === 0) return "0";
  if (ms < 0.9995) return `${(ms * 1000).toFixed(ms < 0.00995 ? 1 : 0)} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  return `${digits(ms / 1000)} s`;
}

/** A size: "912 B", "1.2 kB", "3.4 MB". */
export function size(bytes) {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.5) return `${unit === "B" || value >= 99.5 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** So many in a second. */
export const rate = (number) => (number < 10 ? number.toFixed(1) : count(Math.round(number)));

/** A length of candles, given in minutes: "5m", "1h", "1d", "1w". */
export function interval(minutes) {
  for (const [length, unit] of [[10080, "w"], [1440, "d"], [60, "h"]]) {
    if (minutes % length === 0) return `${minutes / length}${unit}`;
  }
  return `${minutes}m`;
}

/** The sign of an exact decimal, read from its text: -1, 0 or 1. */
export const sign = (text) => (/[1-9]/.test(text ?? "") ? (text.startsWith("-") ? -1 : 1) : 0);

/** The same text with a plus where it is above zero. */
export const signed = (text) => (sign(text) > 0 && !text.startsWith("+") ? `+${text}` : text);

/** What shows a direction without colour. */
export const ARROWS = { "-1": "▼", 0: "–", 1: "▲" };

/** Lower-case words of a state's name. */
export const words = (name) => String(name).toLowerCase().replaceAll("_", " ");
