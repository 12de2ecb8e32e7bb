// Charts of the satisfaction report. The table on the page says the same, so screen readers are spared them.
"use strict";

(() => {
  const told = document.getElementById("figures");
  if (!told || !window.echarts) return;
  const figures = JSON.parse(told.textContent);
  document.querySelector(".charts").hidden = false;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name);
  const charts = ["chart-shares", "chart-trend"].map((id) => window.echarts.init(document.getElementById(id), null, { renderer: "svg" }));
  const percent = (value) => (value === null || value === undefined ? "–" : `${(value * 100).toFixed(0)} %`);
  const draw = () => {
    const text = window.getComputedStyle(document.body).color;
    const line = dark.matches ? "#2a313b" : "#e3e7ec";
    const base = { textStyle: { color: text, fontFamily: "inherit" }, aria: { enabled: false }, animation: false, tooltip: { trigger: "axis", renderMode: "richText" }, legend: { textStyle: { color: text }, top: 4, itemGap: 28 } };
    const value = { type: "value", axisLabel: { color: text }, splitLine: { lineStyle: { color: line } } };
    const names = (data) => ({ type: "category", data, axisLabel: { color: text, width: 110, overflow: "truncate", hideOverlap: true }, axisLine: { lineStyle: { color: line } } });
    charts[0].setOption({ ...base, color: ["#c2413a", "#d9a441", "#2f9e6a"], grid: { left: 130, right: 20, top: 38, bottom: 26 },
      xAxis: { ...value, max: 1, axisLabel: { color: text, formatter: percent } }, yAxis: { ...names(figures.names), inverse: true },
      series: figures.shares.map((data, at) => ({ type: "bar", stack: "all", name: figures.words[at], data, barMaxWidth: 22, tooltip: { valueFormatter: percent } })) }, true);
    charts[1].setOption({ ...base, color: ["#3f7fe0"], grid: { left: 40, right: 20, top: 38, bottom: 42 },
      xAxis: { ...names(figures.months.map((month) => month.replace("-", "\n"))) }, yAxis: { ...value, min: 1, max: 5 },
      series: [{ type: "line", name: figures.words[3], data: figures.averages, connectNulls: false, symbolSize: 7 }] }, true);
  };
  draw();
  dark.addEventListener("change", draw);
  window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
})();
