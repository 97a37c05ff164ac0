// Before the first paint: the colours that were chosen here, else the system's.
const system = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;
root.classList.add("scripted");
const read = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private */ } };
if (read("theme")) root.dataset.theme = read("theme");
const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    keep("theme", root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
});
