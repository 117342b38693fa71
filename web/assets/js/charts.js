// Bars, by Chart.js.  Every chart is beside a table or cards that say the
// same: it is a picture to them, and a page is whole without it.

import { element } from "./dom.js";

const source = new URL("../vendor/chart.js", import.meta.url).href;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
let library = null;

export const available = () =>
    document.querySelector('meta[name="graphiques"]').content === "yes";

// The file is a script of the old kind, which leaves its name behind.  Without a
// network it may not come: then it is asked for again the next time.
function load() {
    library ??= import(source).then(
        () => globalThis.Chart,
        (error) => {
            library = null;
            throw error;
        },
    );
    return library;
}

// Colours are the style sheet's.
function colour(node, name) {
    const probe = element("i", { class: name });
    node.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
}

// One chart that lives as long as its page; draw() takes new numbers.
// series: [{label, colour, values}], format(value) for axis and tooltip; upright
// bars are those of a time that goes on.
export function barChart({ label, format, signal, upright = false }) {
    const canvas = element("canvas", { role: "img", "aria-label": label });
    const frame = element("div", { class: "chart" }, canvas);
    let chart = null;
    let last = null;

    async function draw(data) {
        last = data;
        const Chart = await load();
        if (signal.aborted || last !== data || !frame.isConnected) {
            return;
        }

        const bars = data.labels.length * (data.series.length > 1 ? 44 : 36);
        frame.style.height = upright
            ? "300px"
            : `${Math.max(bars + 56, 140)}px`;
        const datasets = data.series.map((one) => ({
            label: one.label,
            data: one.values,
            backgroundColor: colour(frame, one.colour),
            borderRadius: 4,
            maxBarThickness: 22,
        }));

        if (chart) {
            chart.data = { labels: data.labels, datasets };
            chart.options = options(data);
            chart.update();
        } else {
            chart = new Chart(canvas, {
                type: "bar",
                data: { labels: data.labels, datasets },
                options: options(data),
            });
        }
    }

    function options(data) {
        const text = colour(frame, "ink");
        const line = colour(frame, "rule");
        const font = { family: getComputedStyle(frame).fontFamily, size: 13 };

        return {
            indexAxis: upright ? "x" : "y",
            maintainAspectRatio: false,
            animation: still.matches ? false : { duration: 300 },
            color: text,
            font,
            scales: {
                [upright ? "y" : "x"]: {
                    beginAtZero: true,
                    grid: { color: line },
                    border: { display: false },
                    ticks: {
                        color: text,
                        font,
                        maxTicksLimit: 5,
                        callback: format,
                        precision: 0,
                    },
                },
                [upright ? "x" : "y"]: {
                    grid: { display: false },
                    border: { color: line },
                    ticks: {
                        color: text,
                        font,
                        autoSkip: upright,
                        maxRotation: 0,
                    },
                },
            },
            plugins: {
                legend: {
                    display: data.series.length > 1,
                    position: "bottom",
                    labels: { color: text, font, boxWidth: 14 },
                },
                tooltip: {
                    callbacks: {
                        label: (item) =>
                            ` ${item.dataset.label} : ${format(item.raw)}`,
                    },
                },
            },
        };
    }

    dark.addEventListener("change", () => last && draw(last), { signal });
    signal.addEventListener("abort", () => chart?.destroy());

    return { node: frame, draw };
}
