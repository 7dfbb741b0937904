import { expect, test } from 'vitest'
import type { HostDetail } from '../types'
import { bytesText, hostFacts, readBytes, textAt } from './facts'

const EMPTY: HostDetail = {
  name: 'web-1',
  aliases: ['web-1'],
  up: true,
  last_seen: 0,
  agent_version: null,
  tags_by_source: {},
  meta: {},
  gohai: {},
  checks: [],
  apps: [],
  muted: false,
  mute_end: null,
}

test('a host that says nothing has no facts', () => {
  expect(hostFacts(EMPTY)).toEqual([])
})

test('facts come from whichever document has them', () => {
  const host: HostDetail = {
    ...EMPTY,
    aliases: ['web-1', 'i-0abc'],
    agent_version: '7.60.1',
    meta: {
      nixV: ['debian', '12', ''],
      cpuCores: 4,
      install_method: { tool: 'deb' },
      timezones: ['UTC'],
      pythonV: '3.12.6',
    },
    gohai: {
      cpu: { model_name: 'AMD EPYC' },
      memory: { total: '16318480kB', swap_total: '0kB' },
      platform: { os: 'GNU/Linux', kernel_name: 'Linux', kernel_release: '6.1.0' },
      network: { ipaddress: '10.0.0.7', ipaddressv6: '' },
    },
  }
  const facts = Object.fromEntries(hostFacts(host).map(({ label, value }) => [label, value]))
  expect(facts).toEqual({
    Platform: 'GNU/Linux, debian 12',
    Kernel: 'Linux 6.1.0',
    CPU: 'AMD EPYC, 4 cores',
    Memory: '15.6 GiB',
    'IP address': '10.0.0.7',
    'Other names': 'i-0abc',
    'Installed by': 'deb',
    'Time zone': 'UTC',
  })
})

test.each([
  ['16318480kB', 16318480 * 1024],
  ['16318480 kB', 16318480 * 1024],
  ['8G', 8 * 1024 ** 3],
  ['1024', 1024],
  ['', undefined],
  ['much', undefined],
])('%s is so many bytes', (text, bytes) => {
  expect(readBytes(text)).toBe(bytes)
})

test('bytes in words', () => {
  expect([0, 512, 1024, 16 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '512 B', '1 KiB', '16 GiB'])
})

test('a path that ends early is nothing', () => {
  expect(textAt({ a: 'x' }, 'a', 'b')).toBeUndefined()
  expect(textAt(null, 'a')).toBeUndefined()
})
