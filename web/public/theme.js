// Runs before the first paint so that a remembered theme does not flash. A file of its own, not an
// inline script, so that the server can forbid inline scripts.
try {
  var remembered = localStorage.getItem('galgo.theme')
  if (remembered === 'light' || remembered === 'dark') document.documentElement.dataset.theme = remembered
} catch (unavailable) {
  // Storage can be forbidden; the system's theme stays.
}
