"use strict";
(() => {
  // On paper the words are explained; everything else prints as the reader left it.
  const key = document.querySelector(".key");
  if (key) {
    let open = key.open;
    window.addEventListener("beforeprint", () => ((open = key.open), (key.open = true)));
    window.addEventListener("afterprint", () => (key.open = open));
  }
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const status = document.getElementById("shown");
  const apply = () => {
    const want = new FormData(form);
    const words = want.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const keep =
        ["paper", "route", "verdict"].every((key) => !want.get(key) || row.dataset[key] === want.get(key)) &&
        words.every((word) => text.includes(word));
      row.hidden = !keep;
      shown += keep ? 1 : 0;
    }
    status.textContent = `${shown} of ${rows.length} claims shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  const open = (value) => rows.forEach((row) => row.querySelectorAll("details").forEach((d) => (d.open = value)));
  document.getElementById("expand").addEventListener("click", () => open(true));
  document.getElementById("collapse").addEventListener("click", () => open(false));
  apply();
})();
