// Numbers and times as a person writes them.

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A number with thousands separators; three significant digits below a hundred. */
export function number(value) {
  if (value == null || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 99.95 || size === 0) return sign + grouped.format(size);
  const shown = size >= 9.995 ? size.toFixed(1) : size >= 0.9995 ? size.toFixed(2) : size.toPrecision(2);
  return sign + String(Number(shown));
}

/** A number without decimals. */
export const whole = (value) => number(value == null ? null : Math.round(value));

/** A share as a percentage; never 0 % or 100 % for what is not quite that. */
export function percent(share) {
  if (share == null || !Number.isFinite(share)) return '–';
  const hundred = share * 100;
  if (hundred > 0 && hundred < 0.5) return '< 1 %';
  if (hundred < 100 && hundred >= 99.5) return '> 99 %';
  return `${Math.round(hundred)} %`;
}

/** A length of time: `4 s`, `7.5 s`, `12 min`, `2 h 05 min`. */
export function length(seconds) {
  if (seconds < 600) return `${number(Math.round(seconds * 10) / 10)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A moment of the run: `93 s` below ten minutes, then `12:05` or `1:12:05`; with tenths where asked. */
export function moment(seconds, decimals = 0) {
  return seconds < 600 ? `${seconds.toFixed(decimals)} s` : clock(seconds);
}

/** A moment in hours, minutes and seconds: `9:40`, `1:12:05`. */
export function clock(seconds) {
  const s = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60) % 60;
  return s < 3600 ? `${minutes}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`;
}

/** A latency in the unit a person would choose. */
export const latency = (ms) => (ms == null ? '–' : ms < 1000 ? `${number(ms)} ms` : `${number(ms / 1000)} s`);
