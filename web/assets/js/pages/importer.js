// A file of products and prices, or of stock: read here, shown beside what is
// there now, and sent when somebody has looked at it.

import { choiceOf } from "../address.js";
import { button, element, fill } from "../dom.js";
import { explain, Withdrawn } from "../errors.js";
import { field } from "../form.js";
import { plural, quantity } from "../format.js";
import { columnNames } from "../import_cells.js";
import { judgeTogether, readRows, Unreadable } from "../import_file.js";
import { compareProducts, compareStock } from "../import_old.js";
import { isSent, Sending } from "../import_send.js";
import { Preview, resultView } from "../import_view.js";
import { say } from "../notices.js";
import { Region } from "../region.js";
import { locked, readRights } from "../rights.js";
import { setParameters } from "../router.js";
import { readStores, storeField } from "../stores.js";

const kinds = [
    ["produits", "Produits et prix"],
    ["stock", "Stock d’un magasin"],
];

class Import {
    #controller = null;
    #sending = null;

    constructor({ body, signal }) {
        this.signal = signal;
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.file = null;
        this.preview = null;

        this.kind = field({
            name: "contenu",
            label: "Contenu du fichier",
            type: "select",
            options: kinds,
            on: {
                change: () =>
                    setParameters({ contenu: this.kind.control.value }),
            },
        });
        this.store = storeField(["", "Celui de la colonne « magasin »"], (id) =>
            setParameters({ magasin: id }),
        );
        this.chosen = this.chooser();
        this.out = element("div", { class: "import" });
        fill(body, this.region.node, this.out);

        document.addEventListener("jeton", () => this.refresh(), { signal });
        signal.addEventListener("abort", () => this.#controller?.abort());
        window.addEventListener(
            "beforeunload",
            (event) => this.#sending && event.preventDefault(),
            { signal },
        );
    }

    chooser() {
        this.input = element("input", {
            type: "file",
            id: "fichier",
            accept: ".csv,.txt,.tsv,text/csv",
            "aria-describedby": "fichier-aide",
            on: {
                change: () => {
                    const [file] = this.input.files;

                    // The same file may be chosen again after it was corrected.
                    this.input.value = "";
                    if (file) {
                        this.take(file);
                    }
                },
            },
        });
        this.columns = element("span", {});
        const node = element(
            "div",
            {
                class: "drop",
                on: {
                    dragover: (event) => {
                        event.preventDefault();
                        node.classList.add("over");
                    },
                    dragleave: () => node.classList.remove("over"),
                    drop: (event) => {
                        event.preventDefault();
                        node.classList.remove("over");
                        const [file] = event.dataTransfer.files;
                        if (file) {
                            this.take(file);
                        }
                    },
                },
            },
            element(
                "label",
                { for: "fichier" },
                "Fichier CSV : à choisir, ou à déposer ici",
            ),
            this.input,
            element("p", { class: "hint", id: "fichier-aide" }, this.columns),
        );
        return node;
    }

    refresh() {
        return this.region.run(async (stop) => {
            const [rights, stores] = await Promise.all([
                readRights(stop),
                readStores(stop),
            ]);
            const kind =
                choiceOf(
                    this.parameters,
                    "contenu",
                    kinds.map(([name]) => name),
                    "Le contenu",
                ) ?? "produits";

            this.rights = rights;
            this.stores = stores;
            this.kind.control.value = kind;
            this.store.offer(stores, this.parameters.get("magasin"));
            this.store.node.hidden = kind !== "stock";
            this.columns.textContent = `Colonnes : ${columnNames(kind).join(", ")}. ${
                kind === "stock"
                    ? "« quantite » dit combien il y en a, « delta » combien de plus ou de moins."
                    : "Sans « id » ni « code » connu, une ligne crée un produit."
            } Une cellule vide ne change rien.`;
            const why = this.why(kind);

            return [
                element(
                    "div",
                    { class: "filters" },
                    this.kind.node,
                    this.store.node,
                ),
                why
                    ? locked(why, "Vous ne pouvez pas importer :")
                    : this.chosen,
            ];
        });
    }

    why(kind) {
        return kind === "stock"
            ? this.rights.why("stock")
            : this.rights.why("prix", null) &&
                  this.rights.why("produits", null);
    }

    // What is on its way is not taken from under the hands.
    take(file) {
        if (this.#sending) {
            return;
        }
        this.file = file;
        this.read();
    }

    async read() {
        const { file } = this;

        this.#controller?.abort();
        if (!file) {
            fill(this.out);
            return;
        }
        const controller = new AbortController();
        const { signal } = controller;
        const told = element("p", { role: "status" });
        const tell = (text) => {
            told.textContent = text;
        };

        this.#controller = controller;
        fill(
            this.out,
            element(
                "div",
                { class: "card work" },
                element("h2", {}, file.name),
                told,
                element("progress", { "aria-label": "Lecture du fichier" }),
                button("Arrêter", () => {
                    controller.abort();
                    this.forget();
                }),
            ),
        );
        try {
            tell("Lecture du fichier…");
            const table = await readRows(file, this.kind.control.value, signal);

            tell("Comparaison avec ce qui est là…");
            await this.compare(table, signal);
            this.show(table);
        } catch (error) {
            if (!signal.aborted) {
                this.fail(error);
            }
        }
    }

    async compare(table, signal) {
        if (table.kind === "stock") {
            const id = Number(this.parameters.get("magasin"));
            const chosen = this.stores.find((one) => one.id === id);

            if (chosen) {
                for (const { members } of table.rows) {
                    members.magasin ??= String(chosen.id);
                }
            }
            await judgeTogether(table, signal);
            await compareStock(table, {
                stores: this.stores,
                chosen,
                why: (store) => this.rights.why("stock", store),
                signal,
            });
        } else {
            await judgeTogether(table, signal);
            await compareProducts(table, {
                store: this.stores[0]?.id,
                pricesOnly: Boolean(this.rights.why("produits", null)),
                signal,
            });
        }
    }

    fail(error) {
        const words =
            error instanceof Unreadable ? error.message : explain(error);

        if (!(error instanceof Unreadable || error.status || error.temporary)) {
            console.error(error);
        }
        fill(
            this.out,
            element(
                "div",
                { class: "problem", role: "alert" },
                element("p", {}, `${this.file.name} : ${words}`),
                button("Relire le fichier", () => this.read()),
            ),
        );
        say(words);
    }

    show(table) {
        const sent = table.rows.filter(isSent).length;
        const wrong = table.rows.filter((row) => row.kind === "wrong").length;
        const mode = field({
            name: "mode",
            label: "S’il y a des erreurs",
            type: "select",
            options: [
                ["all", "Tout ou rien"],
                ["valid", "Importer les lignes justes"],
            ],
            on: { change: () => decide() },
        });
        const go = button("", () => this.send(table, mode.control.value), {
            class: "primary",
        });
        const note = element("p", { class: "muted", role: "status" });
        const decide = () => {
            const stopped = wrong > 0 && mode.control.value === "all";

            go.disabled = sent === 0 || stopped;
            go.textContent = `Importer ${plural(sent, "ligne", "lignes")}`;
            note.textContent = stopped
                ? `${plural(wrong, "ligne est fausse", "lignes sont fausses")} : corrigez le fichier, ou importez les lignes justes.`
                : sent === 0
                  ? "Rien ne changerait."
                  : "Rien n’est encore enregistré.";
        };

        decide();
        this.preview = new Preview(table, this.file.name);
        fill(
            this.out,
            this.preview.node,
            element(
                "div",
                { class: "bulk some import-go" },
                note,
                mode.node,
                button("Abandonner", () => this.forget()),
                go,
            ),
        );
        this.preview.heading.focus();
        say(note.textContent);
    }

    forget() {
        this.file = null;
        fill(this.out);
        this.input.focus();
    }

    send(table, mode) {
        if (!this.#sending) {
            this.#sending = new Sending(table, mode);
            this.run();
        }
    }

    // The same rows with the same key, as often as it takes
    async run() {
        const sending = this.#sending;
        const { length } = sending.sent;
        const told = element("p", { role: "status" }, "Envoi…");
        const bar = element("progress", {
            max: length,
            "aria-label": "Lignes lues par le serveur",
        });

        fill(
            this.out,
            element(
                "div",
                { class: "card work" },
                element("h2", {}, this.file.name),
                told,
                bar,
            ),
        );
        try {
            const result = await sending.run((read) => {
                bar.value = read;
                told.textContent =
                    read < length
                        ? `${quantity(read)} lignes lues sur ${quantity(length)}…`
                        : "Tout est lu. Le serveur écrit…";
            });

            this.#sending = null;
            fill(
                this.out,
                resultView(result, sending, this.file.name, () =>
                    this.forget(),
                ),
            );
            this.out.querySelector("h2").focus();
        } catch (error) {
            this.unsent(error);
        }
    }

    unsent(error) {
        const unknown = error.unknown === true;

        if (!unknown) {
            this.#sending = null;
        }
        if (error instanceof Withdrawn) {
            this.read();
            return;
        }
        if (!error.status && !error.temporary) {
            console.error(error);
        }
        const words = unknown
            ? "On ne sait pas si ce fichier est importé. Renvoyez-le sans crainte : il ne le sera qu’une fois."
            : `Rien n’est importé. ${explain(error)}`;

        fill(
            this.out,
            element(
                "div",
                { class: "problem", role: "alert" },
                element("p", {}, words),
                unknown
                    ? button("Renvoyer", () => this.run(), { class: "primary" })
                    : button("Relire le fichier", () => this.read()),
            ),
        );
        say(words);
    }

    update(now) {
        const before = this.parameters;
        const other = ["contenu", "magasin"].some(
            (name) => now.get(name) !== before.get(name),
        );

        this.parameters = now;
        this.refresh().then(() => {
            if (other && this.file && !this.#sending) {
                this.read();
            }
        });
    }
}

export const mount = (page) => new Import(page);
