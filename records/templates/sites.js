(function () {
  var table = document.getElementById("sites");
  if (!table) return;
  var body = table.tBodies[0];
  var tools = document.getElementById("sites-tools");
  var count = document.getElementById("sites-count");
  var words = document.getElementById("sites-words");
  var which = document.getElementById("sites-outcome");
  function key(row, column) {
    var cell = row.cells[column];
    var value = cell.getAttribute("data-v");
    return value === null ? cell.textContent.trim().toLowerCase() : Number(value);
  }
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
    var button = document.createElement("span");
    button.tabIndex = 0;
    button.setAttribute("role", "button");
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("keydown", function (press) {
      if (press.key === "Enter" || press.key === " ") { press.preventDefault(); sort(); }
    });
    button.addEventListener("click", sort);
    function sort() {
      var up = head.getAttribute("aria-sort") !== "ascending";
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (other) {
        other.removeAttribute("aria-sort");
      });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      Array.prototype.slice.call(body.rows)
        .map(function (row) { return [key(row, column), row]; })
        .sort(function (a, b) { return (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (up ? 1 : -1); })
        .forEach(function (pair) { body.appendChild(pair[1]); });
    }
  });
  if (!tools) return;
  function filter() {
    var text = words.value.toLowerCase();
    var shown = 0;
    Array.prototype.forEach.call(body.rows, function (row) {
      var fits = (!which.value || row.getAttribute("data-o") === which.value) &&
        (!text || row.textContent.toLowerCase().indexOf(text) >= 0);
      row.hidden = !fits;
      if (fits) shown += 1;
    });
    count.textContent = shown + " of " + body.rows.length + " sites";
  }
  words.addEventListener("input", filter);
  which.addEventListener("change", filter);
  tools.hidden = false;
  filter();
})();
