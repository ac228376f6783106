"use strict";
// On a narrow screen every AUC comes before every other metric, under headings of one line.
if (matchMedia("(max-width: 40rem)").matches) {
  for (const table of document.querySelectorAll("table.sortable")) {
    const later = table.querySelectorAll("tr.sort [data-m]:not([data-m=auc])");
    if (!later.length || later.length === table.querySelectorAll("tr.sort [data-m]").length) continue;
    table.querySelectorAll("tr.groups").forEach((row) => row.remove());
    table.querySelectorAll("tr.sort button[aria-label]").forEach((button) => {
      button.textContent = button.getAttribute("aria-label").replace("Sort by ", "");
    });
    for (const row of table.rows) {
      const end = row.querySelector(".versus, .versus-head");
      row.querySelectorAll("[data-m]:not([data-m=auc])").forEach((cell) => row.insertBefore(cell, end));
    }
  }
}
// Sort a table by a pressed heading: first best (highest) on top, then the reverse; empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll("thead tr.sort th")];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
  };
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const rows = [...body.rows];
      const numeric = rows.every((row) => key(row, column) === "" || !Number.isNaN(Number(key(row, column))));
      const first = numeric && column > 0 ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((a, b) => {
        const x = key(a, column);
        const y = key(b, column);
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (numeric ? Number(x) - Number(y) : x.localeCompare(y));
      });
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      body.append(...rows);
    });
  });
}
