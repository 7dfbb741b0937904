export { useShortcut, useShortcuts } from './use-shortcut'
export { listen } from './registry'
