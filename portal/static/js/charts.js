// Draws a chart from the table that stands under it. Loaded with ECharts, when one comes near.
(() => {
  "use strict";
  const CATEGORIES = ["#0B57A4", "#B48C14", "#641428", "#28A08C", "#A078DC"];
  const COMPARISON = "#6B7480";
  const RATINGS = ["#07335F", "#3F82C0", "#C9CED6", "#D98B4A", "#8A4B00"];
  const NOT_RATED = "#ECEEF1";

  function hatch() { // a marked area knows no decal: its colour is a pattern
    const tile = document.createElement("canvas");
    tile.width = tile.height = 12;
    const pen = tile.getContext("2d");
    pen.fillStyle = "#ECEEF1";
    pen.fillRect(0, 0, 12, 12);
    pen.strokeStyle = "#7A838E";
    pen.lineWidth = 1.5;
    for (const from of [-12, 0, 12]) { pen.moveTo(from, 12); pen.lineTo(from + 12, 0); }
    pen.stroke();
    return { image: tile, repeat: "repeat" };
  }
  function read(table) {
    const head = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent.trim());
    const rows = Array.from(table.tBodies[0].rows, (row) => ({
      name: row.cells[0].textContent.trim(),
      values: Array.from(row.cells).slice(1).map((cell) => (cell.dataset.v === "" ? null : Number(cell.dataset.v))),
    }));
    return { head, rows };
  }
  function gaps(rows, label) {
    const areas = [];
    let from = null;
    rows.forEach((row, at) => {
      const empty = row.values[0] === null;
      if (empty && from === null) from = at;
      if (from !== null && (!empty || at === rows.length - 1)) {
        areas.push([{ xAxis: Math.max(0, from - 1), name: label }, { xAxis: at }]);
        from = null;
      }
    });
    return areas;
  }

  function place(chart, size, left) { // names beside their points, left out where they would cover another
    const points = chart.getOption().series[0].data;
    const at = points.map((point) => chart.convertToPixel({ seriesIndex: 0 }, point.value));
    const taken = at.map(([x, y]) => [x - 6, y - 6, x + 6, y + 6]);
    const free = (box) => box[0] >= left && box[2] <= chart.getWidth() && taken.every((other) => box[0] >= other[2] || box[2] <= other[0] || box[1] >= other[3] || box[3] <= other[1]);
    const data = points.map((point, n) => {
      if (!point.named) return point;
      const [x, y] = at[n];
      const width = Array.from(point.name).reduce((sum, sign) => sum + (sign > "\u2e7f" ? size : size * 0.6), 0);
      const around = { right: [x + 8, y - size / 2], left: [x - 8 - width, y - size / 2], top: [x - width / 2, y - 8 - size], bottom: [x - width / 2, y + 8] };
      const position = Object.keys(around).find((side) => {
        const [from, top] = around[side];
        const box = [from, top, from + width, top + size];
        if (!free(box)) return false;
        taken.push(box);
        return true;
      });
      return { ...point, label: { ...point.label, show: Boolean(position), position } };
    });
    chart.setOption({ series: [{ data }] });
  }

  window.yimenChart = (figure) => {
    const elder = document.documentElement.dataset.mode === "elder";
    const size = elder ? 18 : 14;
    const { head, rows } = read(figure.querySelector("table"));
    const kind = figure.dataset.chart;
    if (kind !== "line" && rows.every((row) => row.values.every((value) => value === null))) { // the table says 未知
      figure.classList.remove("waiting");
      figure.classList.add("drawn", "undrawn");
      return;
    }
    const percent = figure.dataset.unit === "percent";
    const box = figure.querySelector(".chart-canvas");
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const names = rows.map((row) => row.name);
    const text = { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: size, color: ink };
    figure.classList.add("drawn");
    figure.classList.remove("waiting");

    const value = {
      type: "value",
      min: 0,
      max: percent ? 100 : null,
      minInterval: percent ? 20 : 1,
      axisLabel: { ...text, formatter: percent ? "{value}%" : (number) => number.toLocaleString("en") },
      splitLine: { lineStyle: { color: line } },
    };
    const category = { type: "category", data: names, axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: ink } }, axisTick: { show: false } };
    const series = head.slice(1).map((name, at) => ({ name, data: rows.map((row) => row.values[at]) }));
    const option = {
      animation: false,
      textStyle: text,
      aria: { enabled: true, label: { description: figure.querySelector("[data-sentence]").textContent }, decal: { show: true } },
      tooltip: { trigger: "axis", confine: true, renderMode: "richText", textStyle: text },
      legend: series.length > 1 || kind === "stacked" ? { top: 0, left: 0, textStyle: text, itemGap: 16 } : undefined,
      grid: { left: 8, right: 24, top: series.length > 1 ? 48 : 16, bottom: 8 },
      color: CATEGORIES,
    };
    if (kind === "line") {
      option.xAxis = { ...category, boundaryGap: false };
      option.yAxis = value;
      option.grid.right = 40;
      option.series = series.map((one, at) => ({
        ...one,
        type: "line",
        connectNulls: false,
        showSymbol: rows.length < 15,
        symbolSize: 6,
        lineStyle: { width: 2, type: at ? "dashed" : "solid", color: at === 1 ? COMPARISON : undefined },
        itemStyle: at === 1 ? { color: COMPARISON } : undefined,
        markArea: at ? undefined : {
          silent: true,
          itemStyle: { color: hatch() },
          label: { ...text, position: "insideTop", backgroundColor: "#fff", padding: 4 },
          data: gaps(rows, figure.dataset.missing),
        },
      }));
    } else if (kind === "stacked") { // one bar: each row of the table is a part, or a row a bar
      const parts = series.length === 1 && rows.length > 1;
      const labels = parts ? names : head.slice(1);
      const bars = parts ? [series[0].name] : names;
      option.xAxis = { ...value, splitLine: { show: false }, axisLabel: { show: false } };
      option.yAxis = { ...category, data: bars, axisLabel: { ...text, show: bars.length > 1 } };
      option.color = labels.length < 5 ? CATEGORIES : [...RATINGS, NOT_RATED];
      if (parts) option.legend.formatter = (name) => `${name} ${rows[names.indexOf(name)].values[0] ?? ""}`;
      option.grid.top = 72;
      option.tooltip.trigger = "item";
      option.series = labels.map((name, at) => ({
        name,
        type: "bar",
        stack: "all",
        barMaxWidth: 48,
        itemStyle: { borderColor: "#fff", borderWidth: 2 },
        data: parts ? [rows[at].values[0]] : rows.map((row) => row.values[at]),
      }));
    } else if (kind === "scatter") { // on both axes tenfold steps; nothing stands at the foot
      const axis = (at, floor, name, ending) => ({
        ...value,
        type: "log",
        min: floor,
        max: null,
        minInterval: 0,
        name,
        nameLocation: "middle",
        nameGap: size * 2,
        nameTextStyle: text,
        axisLabel: { ...text, formatter: (number) => (number <= floor ? "0" : `${number.toLocaleString("en")}${ending}`) },
      });
      const points = rows.filter((row) => row.values[0] !== null && row.values[1] !== null);
      const floors = [0.1, 0.5];
      option.xAxis = axis(0, floors[0], head[1], "%");
      option.yAxis = axis(1, floors[1], head[2], "");
      option.grid = { left: size * 3, right: 40, top: 24, bottom: size * 3 };
      option.legend = undefined;
      option.tooltip = { ...option.tooltip, trigger: "item", formatter: ({ data }) => `${data.name}\n${head[1]} ${data.read[0]}\n${head[2]} ${data.read[1].toLocaleString("en")}` };
      option.series = [{
        type: "scatter",
        symbolSize: 10,
        data: points.map((row) => ({
          name: row.name,
          read: row.values,
          value: [Math.max(row.values[0], floors[0]), Math.max(row.values[1], floors[1])],
          symbol: row.values[2] ? "triangle" : "circle",
          itemStyle: { color: row.values[2] ? CATEGORIES[2] : CATEGORIES[0], borderColor: "#fff" },
          named: Boolean(row.values[2]),
          label: { show: false, formatter: row.name, ...text },
        })),
      }];
    } else if (kind === "histogram") {
      option.xAxis = category;
      option.yAxis = value;
      option.grid.top = 32; // room for the number over the highest bar
      option.series = series.map((one) => ({ ...one, type: "bar", barCategoryGap: "4%", label: { show: rows.length < 13, position: "top", ...text } }));
    } else {
      option.xAxis = { ...value, axisLabel: { ...value.axisLabel, hideOverlap: true } };
      option.yAxis = { ...category, inverse: true, axisLabel: { ...text, width: elder ? 140 : 120, overflow: rows.length > 4 ? "truncate" : "break" } };
      option.grid.right = 56;
      option.series = series.map((one, at) => ({
        ...one,
        type: "bar",
        barMaxWidth: 24,
        itemStyle: { borderColor: "#fff", borderWidth: series.length > 1 ? 1 : 0, color: at === 1 ? COMPARISON : undefined },
        label: { show: true, position: "right", formatter: ({ value: shown }) => (shown === null || shown === undefined ? "" : Number(shown).toLocaleString("en")), ...text },
      }));
    }
    const chart = window.echarts.init(box, null, { renderer: "canvas", locale: document.documentElement.lang === "en" ? "EN" : "ZH" });
    chart.setOption(option);
    const fit = () => { if (kind === "scatter") place(chart, size, option.grid.left); };
    fit();
    figure.querySelector("details").open = false;
    if ("ResizeObserver" in window) new ResizeObserver(() => { chart.resize(); fit(); }).observe(box);
  };
})();
