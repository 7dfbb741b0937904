// The kit: every control that pages are made of.
export { Button, IconButton } from './button'
export { cx } from './cx'
export { Dialog, FullScreen, SidePanel } from './dialog'
export {
  Card,
  Command,
  CopyButton,
  Empty,
  ErrorNote,
  Kbd,
  keyWords,
  ProgressBar,
  Status,
  Tag,
} from './feedback'
export type { State } from './feedback'
export { Field, Input, SearchInput, Segments, Select } from './field'
export type { Choice } from './field'
export { Menu, MenuCheck, MenuHeading, MenuItem, MenuSeparator } from './menu'
export { Popover } from './popover'
export { toast } from './toast'
export { Tooltip } from './tooltip'
export { ChipsInput, Combobox } from './combobox'
export type { Suggestion } from './combobox'
