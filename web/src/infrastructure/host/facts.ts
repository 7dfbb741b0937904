// What is known about a machine, picked out of the several documents in which agents describe it.
import type { HostDetail } from '../types'

export interface Fact {
  label: string
  value: string
}

type Tree = Record<string, unknown>

/** The text at a path of keys; numbers become text, anything else is nothing. */
export function textAt(tree: unknown, ...path: string[]): string | undefined {
  let node: unknown = tree
  for (const key of path) {
    if (typeof node !== 'object' || node === null) return undefined
    node = (node as Tree)[key]
  }
  if (typeof node === 'number') return String(node)
  return typeof node === 'string' && node.trim() !== '' ? node.trim() : undefined
}

const number = (text: string | undefined): number | undefined => {
  const value = Number(text)
  return text !== undefined && Number.isFinite(value) ? value : undefined
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytesText(bytes: number): string {
  const power = bytes > 0 ? Math.min(BINARY.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0
  const scaled = bytes / 1024 ** power
  return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toPrecision(3))} ${BINARY[power] ?? ''}`
}

/** `16318480kB`, `16318480 kB` or plain bytes. */
export function readBytes(text: string | undefined): number | undefined {
  const match = /^([\d.]+)\s*([kKMGT]?)i?[bB]?$/.exec(text ?? '')
  if (!match) return undefined
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase())
  return Number(match[1]) * 1024 ** power
}

function cpuText({ gohai, meta, inventory }: HostDetail): string | undefined {
  const model =
    textAt(gohai, 'cpu', 'model_name') ?? textAt(inventory, 'cpu_model') ?? textAt(meta, 'processor')
  const cores =
    textAt(gohai, 'cpu', 'cpu_logical_processors') ??
    textAt(inventory, 'cpu_logical_processors') ??
    textAt(meta, 'cpuCores')
  const count = cores && `${cores} ${cores === '1' ? 'core' : 'cores'}`
  return [model, count].filter(Boolean).join(', ') || undefined
}

function memoryText({ gohai, inventory }: HostDetail): string | undefined {
  const kib = number(textAt(inventory, 'memory_total_kb'))
  const bytes = readBytes(textAt(gohai, 'memory', 'total')) ?? (kib === undefined ? undefined : kib * 1024)
  if (bytes === undefined) return undefined
  const swap = readBytes(textAt(gohai, 'memory', 'swap_total'))
  return swap ? `${bytesText(bytes)}, swap ${bytesText(swap)}` : bytesText(bytes)
}

function systemText({ gohai, meta, inventory, platform }: HostDetail): string | undefined {
  const version = ['nixV', 'macV', 'winV', 'fbsdV']
    .map((key) => meta[key])
    .find((value): value is unknown[] => Array.isArray(value))
  const name = version?.filter((part) => typeof part === 'string' && part !== '').join(' ')
  const kind =
    textAt(gohai, 'platform', 'os') ?? textAt(inventory, 'os') ?? platform ?? textAt(meta, 'platform')
  if (!name) return kind ?? undefined
  return kind && !name.toLowerCase().includes(kind.toLowerCase()) ? `${kind}, ${name}` : name
}

function kernelText({ gohai, inventory }: HostDetail): string | undefined {
  const name = textAt(gohai, 'platform', 'kernel_name') ?? textAt(inventory, 'kernel_name')
  const release = textAt(gohai, 'platform', 'kernel_release') ?? textAt(inventory, 'kernel_release')
  return [name, release].filter(Boolean).join(' ') || undefined
}

function addressText({ gohai, inventory }: HostDetail): string | undefined {
  const own = [
    textAt(gohai, 'network', 'ipaddress') ?? textAt(inventory, 'ip_address'),
    textAt(gohai, 'network', 'ipaddressv6') ?? textAt(inventory, 'ipv6_address'),
  ]
  return own.filter(Boolean).join(', ') || undefined
}

function installText({ meta }: HostDetail): string | undefined {
  const tool = textAt(meta, 'install_method', 'tool')
  const version = textAt(meta, 'install_method', 'tool_version')
  return [tool, version].filter(Boolean).join(' ') || undefined
}

/** What is unknown is left out. */
export function hostFacts(host: HostDetail): Fact[] {
  const zones = host.meta.timezones
  const rows: [string, string | undefined][] = [
    ['Platform', systemText(host)],
    ['Kernel', kernelText(host)],
    ['Architecture', textAt(host.meta, 'machine') ?? textAt(host.inventory, 'cpu_architecture')],
    ['CPU', cpuText(host)],
    ['Memory', memoryText(host)],
    ['IP address', addressText(host)],
    ['MAC address', textAt(host.gohai, 'network', 'macaddress') ?? textAt(host.inventory, 'mac_address')],
    ['Full name', textAt(host.meta, 'socket-fqdn')],
    ['Other names', host.aliases.filter((alias) => alias !== host.name).join(', ') || undefined],
    ['Cloud', textAt(host.inventory, 'cloud_provider')],
    ['Installed by', installText(host)],
    ['Time zone', Array.isArray(zones) ? zones.join(', ') : undefined],
  ]
  return rows.flatMap(([label, value]) => (value ? [{ label, value }] : []))
}
