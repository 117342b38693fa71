// Price labels: which products, how many of each, on which paper.

import { button, element, fill, icon } from "../dom.js";
import { Entries } from "../entries.js";
import { filterBar } from "../filters.js";
import { field } from "../form.js";
import { plural } from "../format.js";
import { formats, labelPaper, labelView, readLabel } from "../labels.js";
import { attempt, notify, say } from "../notices.js";
import { printNow } from "../print.js";
import { findProducts } from "../products.js";
import { empty } from "../region.js";
import { watchScanner } from "../scan.js";
import { device, tab } from "../storage.js";

const LIST = "magasin.etiquettes";
const FORMAT = "magasin.etiquettes.format";
const MOST = 999;

class Labels {
    #lines = [];

    constructor({ body, actions, signal }) {
        this.signal = signal;
        this.list = element("div", { class: "region" });
        this.choices = element("div", {});
        this.entry = field({
            name: "produit",
            label: "Produit",
            type: "search",
            placeholder: "Nom ou code",
            autocomplete: "off",
            maxlength: 100,
            on: { keydown: (event) => this.typed(event) },
        });
        this.entries = new Entries(
            {
                add: (product, count) => this.put(product.id, count),
                choose: (text) => attempt(() => this.choose(text)),
                ready: () => Promise.resolve(),
                focus: () => this.entry.control.focus(),
            },
            signal,
        );
        this.format = field({
            name: "papier",
            label: "Papier",
            type: "select",
            options: Object.entries(formats).map(([name, { label }]) => [
                name,
                label,
            ]),
            value: this.kept(),
            on: {
                change: () => {
                    device.set(FORMAT, this.format.control.value);
                    this.draw();
                },
            },
        });
        this.skip = field({
            name: "premiere",
            label: "Première étiquette",
            type: "number",
            min: 1,
            max: 40,
            step: 1,
            inputmode: "numeric",
            value: "1",
        });
        this.print = button(
            [icon("imprimer"), "Imprimer"],
            () => attempt(() => this.printAll()),
            { class: "primary" },
        );

        fill(actions, this.print);
        fill(
            body,
            filterBar(this.entry.node, this.format.node, this.skip.node),
            this.entries.node,
            this.choices,
            this.list,
        );
        watchScanner(
            (code) => this.entries.scanned(code, this.entry.control),
            signal,
        );
        this.draw();
        attempt(() => this.restore());
    }

    kept() {
        const name = device.get(FORMAT);
        return Object.hasOwn(formats, name ?? "") ? name : "grandes";
    }

    typed(event) {
        if (event.key === "Enter" && !event.isComposing) {
            event.preventDefault();
            const text = this.entry.control.value.trim();

            this.entry.control.value = "";
            if (text) {
                fill(this.choices);
                this.entries.add(text);
            }
        }
    }

    // Several products have it in their names.
    async choose(text) {
        const { found } = await findProducts(text, 20, this.signal);

        fill(
            this.choices,
            element(
                "ul",
                { class: "choices" },
                found.map((one) =>
                    element(
                        "li",
                        {},
                        button(one.nom, () => {
                            this.entries.chosen(text);
                            fill(this.choices);
                            this.put(one.id, 1);
                            this.entry.control.focus();
                        }),
                    ),
                ),
            ),
        );
    }

    async restore() {
        let kept;

        try {
            kept = JSON.parse(tab.get(LIST)) ?? [];
        } catch {
            tab.remove(LIST);
            return;
        }
        for (const [id, count] of kept) {
            await this.put(id, count);
        }
    }

    save() {
        tab.set(
            LIST,
            JSON.stringify(this.#lines.map(({ id, count }) => [id, count])),
        );
    }

    put(id, count) {
        const line = this.#lines.find((one) => one.id === id);

        if (line) {
            line.count = Math.min(line.count + count, MOST);
            this.changed();
            return Promise.resolve();
        }
        const added = { id, count: Math.min(count, MOST), label: null };
        this.#lines.push(added);
        return attempt(async () => {
            try {
                added.label = await readLabel(id, this.signal);
            } catch (error) {
                this.#lines = this.#lines.filter((one) => one !== added);
                throw error;
            } finally {
                this.changed();
            }
        });
    }

    changed() {
        this.save();
        this.draw();
    }

    get count() {
        return this.#lines.reduce((sum, one) => sum + one.count, 0);
    }

    draw() {
        this.print.setAttribute("aria-disabled", String(this.count === 0));
        this.skip.node.hidden = this.format.control.value === "rouleau";
        if (this.#lines.length === 0) {
            fill(
                this.list,
                empty("Scannez ou cherchez les produits à étiqueter."),
            );
            return;
        }
        fill(
            this.list,
            element(
                "ul",
                { class: "labels" },
                this.#lines.map((line) => this.line(line)),
            ),
            element(
                "p",
                { class: "muted" },
                plural(this.count, "étiquette", "étiquettes"),
            ),
        );
    }

    line(line) {
        const name = line.label?.sheet.nom ?? "…";
        const input = element("input", {
            type: "number",
            min: 0,
            max: MOST,
            step: 1,
            inputmode: "numeric",
            "aria-label": `Étiquettes de ${name}`,
            value: String(line.count),
            on: { change: () => this.set(line, input.value) },
        });

        return element(
            "li",
            { class: "card" },
            line.label ? labelView(line.label) : element("p", {}, name),
            element(
                "div",
                { class: "pair" },
                input,
                button(icon("croix"), () => this.set(line, "0"), {
                    class: "icon-button",
                    "aria-label": `Enlever ${name}`,
                }),
            ),
        );
    }

    set(line, text) {
        const count = /^\d{1,3}$/.test(text) ? Number(text) : line.count;
        const inside = this.list.contains(document.activeElement);

        line.count = count;
        this.#lines = this.#lines.filter((one) => one.count > 0);
        this.changed();
        if (inside) {
            this.entry.control.focus();
        }
    }

    // With the prices of now: one may have changed since it was looked at.
    async printAll() {
        if (this.count === 0) {
            return;
        }
        const name = this.format.control.value;
        const { columns, rows } = formats[name];
        const first = Number(this.skip.control.value);

        if (
            name !== "rouleau" &&
            !(Number.isInteger(first) && first >= 1 && first <= columns * rows)
        ) {
            this.skip.show([`De 1 à ${columns * rows}.`]);
            this.skip.control.focus();
            return;
        }
        this.skip.show(null);
        for (const line of this.#lines) {
            const before = line.label?.sheet.prix;

            line.label = await readLabel(line.id, this.signal);
            if (before !== undefined && before !== line.label.sheet.prix) {
                notify(`Le prix de ${line.label.sheet.nom} a changé.`);
            }
        }
        this.draw();
        say(plural(this.count, "étiquette", "étiquettes"));
        printNow(
            labelPaper(
                name,
                this.#lines.flatMap(({ count, label }) =>
                    Array.from({ length: count }, () => label),
                ),
                name === "rouleau" ? 0 : first - 1,
            ),
        );
    }

    update() {}
}

export const mount = (page) => new Labels(page);
