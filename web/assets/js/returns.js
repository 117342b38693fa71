// Goods of a sale come back: which of them, why, and whether they are sold again.

import { query, read, readPage, sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { element, fill } from "./dom.js";
import { field, formOf } from "./form.js";
import { amount, moment, plural, quantity } from "./format.js";
import { cents } from "./money.js";
import { notify, say } from "./notices.js";

// The form that is open takes what is scanned.
let open = null;

export const takesScan = (code) => open?.scanned(code) ?? false;

export async function readReturns(id, signal) {
    const { results } = await readPage(
        `/sales/${id}/returns/${query({ limit: 1000 })}`,
        signal,
    );
    return results;
}

// What came back already, as a list
export function returnsView(returns, nameOf) {
    return returns.length === 0
        ? null
        : [
              element("h3", {}, "Retours"),
              element(
                  "ul",
                  { class: "receipt-lines" },
                  returns.map((one) =>
                      element(
                          "li",
                          {},
                          element(
                              "span",
                              {},
                              `${moment(one.date_retour)} : `,
                              one.lignes
                                  .map(
                                      (line) =>
                                          `${quantity(line.quantite)} × ${nameOf(line.produit)}`,
                                  )
                                  .join(", "),
                              one.remise_en_stock
                                  ? ""
                                  : " (non remis en stock)",
                          ),
                          element(
                              "span",
                              { class: "number" },
                              amount(-cents(one.total)),
                          ),
                      ),
                  ),
              ),
          ];
}

// {product: units} of lines
function units(lines) {
    const sums = new Map();

    for (const { produit, quantite } of lines) {
        sums.set(produit, (sums.get(produit) ?? 0) + quantite);
    }
    return sums;
}

// What can still come back: {product: units}, without what has none left
export function returnable(sale, returns) {
    const back = units(returns.flatMap((one) => one.lignes));

    return new Map(
        Array.from(units(sale.lignes), ([product, sold]) => [
            product,
            sold - (back.get(product) ?? 0),
        ]).filter(([, left]) => left > 0),
    );
}

class ReturnForm {
    #chain = Promise.resolve();
    // Scans that are no unit of a line
    #missed = 0;
    #sending = false;

    constructor(sale, left, nameOf) {
        this.sale = sale;
        this.left = left;
        this.send = sender();
        this.state = element("p", { class: "muted" });
        // What stands in the fields
        this.units = new Map(Array.from(left.keys(), (id) => [id, "0"]));
        this.counts = new Map(
            Array.from(left, ([product, most]) => [
                product,
                field({
                    name: `produit-${product}`,
                    label: nameOf(product),
                    type: "number",
                    on: {
                        input: ({ target }) => {
                            this.units.set(product, target.value);
                        },
                        // A scanner has typed here, and may have been counted.
                        restore: ({ target }) => {
                            target.value = this.units.get(product);
                        },
                    },
                    min: 0,
                    max: most,
                    step: 1,
                    inputmode: "numeric",
                    value: "0",
                    hint: `${quantity(most)} au plus`,
                }),
            ]),
        );
        this.reason = field({
            name: "motif",
            label: "Motif",
            maxlength: 200,
            placeholder: "défaut, erreur, échange…",
        });
        this.restock = field({
            name: "remise",
            label: "Que deviennent les articles ?",
            type: "select",
            options: [
                ["oui", "Remis en stock"],
                ["non", "Mis au rebut"],
            ],
        });
    }

    // A product that is scanned is one unit more.  What is scanned is decided in
    // its order.
    scanned(code) {
        if (this.#sending) {
            this.tell(`« ${code} » est venu trop tard pour ce retour.`);
            return true;
        }
        const answer = read(`/products/${query({ code, limit: 1 })}`).then(
            ({ results: [product] }) => ({ product }),
            () => null,
        );
        this.#chain = this.#chain.then(async () => {
            this.#decide(code, await answer);
        });
        return true;
    }

    #decide(code, found) {
        const product = found?.product;
        const count = this.counts.get(product?.id);
        const value = Number(this.units.get(product?.id)) + 1;

        if (count && value <= this.left.get(product.id)) {
            this.units.set(product.id, String(value));
            count.control.value = String(value);
            this.tell(`${product.nom} : ${quantity(value)}`);
            return;
        }
        this.#missed += 1;
        this.tell(
            found === null
                ? `« ${code} » n’a pas pu être cherché : scannez-le de nouveau.`
                : count
                  ? `Il ne reste plus de ${product.nom} à reprendre.`
                  : `« ${code} » n’est pas sur cette vente.`,
        );
    }

    // Resolves to whether all that was still looked up is on the return.
    async #settled() {
        const missed = this.#missed;
        let last;

        do {
            last = this.#chain;
            await last;
        } while (last !== this.#chain);
        return missed === this.#missed;
    }

    tell(text) {
        fill(this.state, text);
        say(text);
    }

    #lines(form) {
        const lines = [];
        const wrong = {};

        for (const [product, count] of this.counts) {
            const text = count.control.value.trim();
            const most = this.left.get(product);

            if (!/^\d{1,9}$/.test(text || "0") || Number(text) > most) {
                wrong[count.name] = [`Un nombre de 0 à ${quantity(most)}.`];
            } else if (Number(text) > 0) {
                lines.push({ produit: product, quantite: Number(text) });
            }
        }
        if (Object.keys(wrong).length > 0) {
            form.show(wrong);
            return null;
        }
        if (lines.length === 0) {
            form.fail("Dites combien d’articles sont repris.");
            return null;
        }
        return lines;
    }

    async #make(lignes, { motif, remise }) {
        const why = motif.trim();

        this.#sending = true;
        try {
            return await this.send(`/sales/${this.sale.id}/returns/`, {
                lignes,
                ...(why ? { motif: why } : {}),
                remise_en_stock: remise === "oui",
            });
        } finally {
            this.#sending = false;
        }
    }

    // Resolves to the return, or to nothing.
    dialog() {
        return openDialog(`Reprendre : vente n° ${this.sale.id}`, (close) =>
            formOf({
                intro: "Scannez les articles, ou dites combien.",
                fields: [...this.counts.values(), this.reason, this.restock],
                extra: this.state,
                submit: "Reprendre",
                cancel: () => close(),
                action: async (values, form) => {
                    // What is not on it is told already.
                    const lignes = (await this.#settled()) && this.#lines(form);

                    if (lignes) {
                        close(await this.#make(lignes, values));
                    }
                },
            }),
        );
    }
}

export async function returnDialog(sale, returns, nameOf) {
    const form = new ReturnForm(sale, returnable(sale, returns), nameOf);

    open = form;
    try {
        const made = await form.dialog();

        if (made) {
            const count = made.lignes.reduce(
                (sum, one) => sum + one.quantite,
                0,
            );

            announceChange();
            notify(
                `${plural(count, "article repris", "articles repris")}, à rembourser : ` +
                    `${amount(made.total)}.`,
            );
        }
        return made ?? null;
    } finally {
        open = null;
    }
}
