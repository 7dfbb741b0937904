// Numbers of hosts in words.

const number = new Intl.NumberFormat('en')

/** `1 host`, `2,000 hosts`. */
export const hostsText = (count: number): string =>
  `${number.format(count)} ${count === 1 ? 'host' : 'hosts'}`

/** `30 hosts`, or `3 of 30 hosts` when not all are shown. */
export const shownText = (shown: number, all: number): string =>
  shown === all ? hostsText(all) : `${number.format(shown)} of ${hostsText(all)}`
