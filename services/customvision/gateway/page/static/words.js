// How numbers, times and sizes are told, in the reader's own way.

const WHOLE = new Intl.NumberFormat();
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE_PERCENT = new Intl.NumberFormat(undefined, { style: "percent" });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** Returns a count with its noun: "1 image", "1,200 images". @param {number | string} count @param {string} noun */
export function counted(count, noun) {
  return `${WHOLE.format(Number(count))} ${noun}${Number(count) === 1 ? "" : "s"}`;
}

/** @param {string} timestamp */
export function date(timestamp) {
  return DATE.format(new Date(timestamp));
}

/** @param {string} timestamp */
export function time(timestamp) {
  return TIME.format(new Date(timestamp));
}

/** @param {number | string} count */
export function whole(count) {
  return WHOLE.format(Number(count));
}

/** @param {number} share 0 to 1 @param {0 | 1} [digits] behind the point */
export function percent(share, digits = 1) {
  return (digits ? PERCENT : WHOLE_PERCENT).format(share);
}

/** @param {number | string} bytes */
export function megabytes(bytes) {
  return `${(Number(bytes) / 1e6).toFixed(Number(bytes) < 1e7 ? 1 : 0)} MB`;
}

/** @param {string} duration as protobuf has it in JSON: "0.0041s" */
export function milliseconds(duration) {
  const value = parseFloat(duration) * 1000;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

/** @param {string} duration as protobuf has it in JSON: "12.5s" @returns {number} */
export function seconds(duration) {
  return parseFloat(duration);
}

/** Returns a length of time in words: "less than a second", "12 s", "3 min 20 s", "2 h 5 min". @param {number} length seconds */
export function lasting(length) {
  const whole = Math.round(length);
  if (whole < 1) return "less than a second";
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = hours ? [`${hours} h`, minutes && `${minutes} min`] : [`${minutes} min`, rest && `${rest} s`];
  return parts.filter(Boolean).join(" ");
}
