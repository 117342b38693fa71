// The keys of the page that sells.

import { showKeys } from "./keys.js";

export function tillKeys(till) {
    const { control } = till.search;
    const back = () =>
        document.activeElement === control ? false : control.focus();

    return [
        {
            keys: [["F2"], ["Escape", "Échap"]],
            label: "Revenir à la saisie",
            run: back,
        },
        {
            keys: [["Enter", "Entrée"]],
            label: "Terminer la saisie : nom, code ou scan",
        },
        {
            keys: [["3*"]],
            label: "Trois fois la saisie qui suit : 3*café, 3* puis un scan",
        },
        {
            keys: [["ArrowDown", "↓"]],
            label: "Aller aux produits ; les flèches y mènent de l’un à l’autre",
        },
        {
            keys: [["ArrowUp", "↑"]],
            label: "Aller à la quantité de la dernière ligne ; 0 l’enlève",
        },
        {
            keys: [["+"]],
            label: "Un de plus du dernier produit",
            run: () => till.inTurn(() => till.step(1)),
        },
        {
            keys: [["-"]],
            label: "Un de moins",
            run: () => till.inTurn(() => till.step(-1)),
        },
        {
            keys: [["F4"]],
            label: "Mettre le ticket en attente ; sans ticket, reprendre le premier",
            run: () => till.inTurn(() => till.swap()),
        },
        {
            keys: [["F8"]],
            label: "Chercher une vente",
            run: () => till.searchSales(),
        },
        {
            keys: [["F9"], ["Ctrl+Enter", "Ctrl + Entrée"]],
            label: "Encaisser",
            run: () => till.checkout.sell(),
        },
        {
            keys: [["Ctrl+p", "Ctrl + P"]],
            label: "Imprimer le reçu de la vente qui est affichée",
        },
        {
            keys: [["?"]],
            label: "Montrer ces raccourcis",
            run: () => showKeys(till.keys),
        },
    ];
}
