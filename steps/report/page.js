"use strict";
// Filters are shown only where they work; without this script every row is.
for (const form of document.querySelectorAll("form[data-for]")) {
  const rows = [...document.querySelectorAll("#" + form.dataset.for + " tbody tr")];
  const text = rows.map((row) => row.textContent.toLowerCase());
  const out = form.querySelector("output");
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const boxes = [...form.querySelectorAll("input[type=checkbox]")];
    const off = new Set(boxes.filter((b) => !b.checked).map((b) => b.value));
    let shown = 0;
    rows.forEach((row, i) => {
      const yes = !off.has(row.dataset.severity) && words.every((w) => text[i].includes(w));
      row.hidden = !yes;
      if (yes) shown++;
    });
    out.textContent = shown === rows.length ? "" : shown + " of " + rows.length;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (e) => e.preventDefault());
  form.hidden = false;
  apply();
}
addEventListener("beforeprint", () => {
  for (const d of document.querySelectorAll("details")) d.open = true;
});
