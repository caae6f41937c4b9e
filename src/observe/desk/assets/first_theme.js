// The theme before anything is drawn: no flash of the other one. theme.js has the switch.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("voxgate-theme");
  } catch {
    // Storage is switched off: as the system has it.
  }
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isChosen = chosen === "light" || chosen === "dark";
  document.documentElement.dataset.theme = isChosen ? chosen : isDark ? "dark" : "light";
}
