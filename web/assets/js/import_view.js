// What a file would change, and what became of it: counted, and a piece of it at
// a time.

import { csv, download } from "./csv.js";
import { button, element, fill, icon } from "./dom.js";
import { amount, localDay, plural, quantity } from "./format.js";
import { number, pager, rowHeading, table } from "./table.js";

const ROWS = 50;

const kinds = {
    change: { label: "Changements" },
    new: { label: "Nouveaux" },
    open: {
        label: "Le serveur dira",
    },
    same: { label: "Sans effet" },
    wrong: { label: "Erreurs" },
};

const titles = {
    id: "Numéro",
    nom: "Nom",
    categorie: "Catégorie",
    prix: "Prix",
    description: "Description",
    code: "Code",
    codes_barres: "Codes-barres",
    magasin: "Magasin",
    produit: "Produit",
    quantite: "Quantité",
    attendu: "Attendu",
    delta: "Mouvement",
    minimum: "Minimum",
    maximum: "Maximum",
    motif: "Motif",
    ligne: "Ligne",
};

const title = (name) => (Object.hasOwn(titles, name) ? titles[name] : name);

function worded(name, value) {
    if (value === undefined) {
        return "non lu";
    }
    if (value === null || value === "") {
        return "rien";
    }
    if (name === "prix") {
        return amount(value);
    }
    return typeof value === "number" ? quantity(value) : String(value);
}

const short = (text) => (text.length > 120 ? `${text.slice(0, 119)}…` : text);

// Of one row: what changes, or what is wrong
function changesOf(row) {
    if (row.kind === "wrong") {
        return errorLines(row.errors);
    }
    if (row.kind === "new") {
        return [
            element(
                "span",
                { class: "block" },
                [
                    row.members.categorie,
                    worded("prix", row.members.prix),
                    row.members.code,
                ]
                    .filter(Boolean)
                    .join(", "),
            ),
            row.namesake
                ? element(
                      "span",
                      { class: "block short" },
                      "Un produit a déjà ce nom : il y en aura deux.",
                  )
                : null,
        ];
    }
    return row.changes.map(([name, from, to]) =>
        element(
            "span",
            { class: "block" },
            `${title(name)} : `,
            element("del", {}, short(worded(name, from))),
            " → ",
            element("ins", {}, short(worded(name, to))),
        ),
    );
}

const errorLines = (errors) =>
    Object.entries(errors).map(([name, message]) =>
        element(
            "span",
            { class: "block" },
            element("strong", {}, `${title(name)} : `),
            [message].flat().join(" "),
        ),
    );

const errorsFile = (file, rows, errorsOf) =>
    download(
        `erreurs-${file.replace(/\.\w+$/, "")}-${localDay(new Date())}.csv`,
        csv([
            ["Ligne", "Colonne", "Erreur", "Produit"],
            ...rows.flatMap((row) =>
                Object.entries(errorsOf(row)).map(([name, message]) => [
                    row.number,
                    name,
                    [message].flat().join(" "),
                    row.name ?? "",
                ]),
            ),
        ]),
    );

const errorsButton = (...about) =>
    button([icon("telecharger"), "Erreurs en CSV"], () => errorsFile(...about));

function figures(counts, chosen, choose) {
    return element(
        "div",
        { class: "cards figures import-counts" },
        Object.entries(kinds)
            .filter(([kind]) => kind !== "open" || counts.get(kind) > 0)
            .map(([kind, { label }]) =>
                element(
                    "button",
                    {
                        type: "button",
                        class: `card figure ${kind === "wrong" && counts.get(kind) > 0 ? "alarm" : ""}`,
                        "aria-pressed": String(kind === chosen),
                        on: { click: () => choose(kind) },
                    },
                    element("span", { class: "label" }, label),
                    element(
                        "span",
                        { class: "value" },
                        quantity(counts.get(kind)),
                    ),
                ),
            ),
    );
}

export class Preview {
    constructor(content, file) {
        this.content = content;
        this.byKind = new Map(
            Object.keys(kinds).map((kind) => [
                kind,
                content.rows.filter((row) => row.kind === kind),
            ]),
        );
        this.counts = new Map(
            [...this.byKind].map(([kind, rows]) => [kind, rows.length]),
        );
        this.kind =
            ["wrong", "change", "new", "open", "same"].find(
                (kind) => this.counts.get(kind) > 0,
            ) ?? "same";
        this.page = 1;
        this.heading = element(
            "h2",
            { tabindex: "-1" },
            `${file} : ${plural(content.rows.length, "ligne", "lignes")}`,
        );
        this.counted = element("div", {});
        this.list = element("div", {});
        this.node = element(
            "section",
            {},
            element(
                "div",
                { class: "section-head" },
                this.heading,
                this.counts.get("wrong") > 0
                    ? errorsButton(
                          file,
                          this.byKind.get("wrong"),
                          (row) => row.errors,
                      )
                    : null,
            ),
            content.unknown.length > 0
                ? element(
                      "p",
                      { class: "muted" },
                      `Colonnes laissées de côté : ${content.unknown.join(", ")}.`,
                  )
                : null,
            this.counted,
            this.list,
        );
        this.draw();
    }

    draw() {
        const rows = this.byKind.get(this.kind);
        const pages = Math.max(Math.ceil(rows.length / ROWS), 1);
        const go = (page) => {
            this.page = page;
            this.draw();
        };
        const inside = this.list.contains(document.activeElement);
        const pressed = this.counted.contains(document.activeElement);

        fill(
            this.counted,
            figures(this.counts, this.kind, (kind) => {
                this.kind = kind;
                go(1);
            }),
        );
        fill(
            this.list,
            rows.length === 0
                ? element("p", { class: "muted" }, "Aucune ligne.")
                : [
                      rowsTable(
                          kinds[this.kind].label,
                          rows.slice((this.page - 1) * ROWS, this.page * ROWS),
                          changesOf,
                      ),
                      pager({
                          page: this.page,
                          pages,
                          count: rows.length,
                          words: ["ligne", "lignes"],
                          go,
                      }),
                  ],
        );
        if (pressed) {
            this.counted.querySelector("[aria-pressed=true]")?.focus();
        } else if (inside) {
            this.list
                .querySelector(".page-step:not(:disabled)")
                ?.focus({ preventScroll: true });
        }
    }
}

function rowsTable(caption, rows, content) {
    return table({
        caption,
        class: "import-table",
        columns: [
            { label: "Ligne", class: "number" },
            { label: "Produit" },
            { label: "Ce qui change" },
        ],
        rows: rows.map((row) =>
            element(
                "tr",
                {},
                number(quantity(row.number)),
                rowHeading(
                    row.name ?? "–",
                    row.store
                        ? element(
                              "span",
                              { class: "muted block" },
                              row.store.nom,
                          )
                        : null,
                ),
                element("td", {}, content(row)),
            ),
        ),
    });
}

// result: of Sending.run()
export function resultView(result, { sent }, file, again) {
    const { written, made, refused, more } = result;
    const rows = [...refused.keys()];
    const words =
        written > 0
            ? `${plural(written, "ligne importée", "lignes importées")}${made > 0 ? `, dont ${plural(made, "produit créé", "produits créés")}` : ""}.`
            : "Rien n’est importé.";
    const left = sent.length - written;

    return element(
        "section",
        { class: "import-result" },
        element(
            "div",
            { class: "section-head" },
            element("h2", { tabindex: "-1" }, words),
            element(
                "span",
                { class: "pair" },
                rows.length > 0
                    ? errorsButton(file, rows, (row) => refused.get(row))
                    : null,
                button("Autre fichier", again, { class: "primary" }),
            ),
        ),
        left > 0
            ? element(
                  "p",
                  { class: "form-error", role: "alert" },
                  `${plural(rows.length + more, "ligne refusée", "lignes refusées")} par le serveur`,
                  more > 0
                      ? `, dont les ${quantity(rows.length)} premières sont nommées.`
                      : ".",
                  written === 0 && left > rows.length + more
                      ? " Les autres ne sont pas importées non plus."
                      : null,
              )
            : null,
        rows.length > 0
            ? rowsTable("Lignes refusées", rows.slice(0, 100), (row) =>
                  errorLines(refused.get(row)),
              )
            : null,
        rows.length > 100
            ? element(
                  "p",
                  { class: "muted" },
                  "Les 100 premières ; le fichier des erreurs a les autres.",
              )
            : null,
    );
}
