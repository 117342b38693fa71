// A client with the types of openapi-typescript: sells, reads the journal page
// by page, and reads two errors.
//
// usage: client.js SERVER TOKEN
//
// Prints what it has read as one JSON object, which t/clients/run compares with
// the database.

import type { components, operations } from "./magasin";

declare const process: { argv: string[] };

type Schemas = components["schemas"];
type Answers = operations["sale_create"]["responses"];
type AnswerOf<Status extends keyof Answers> = Answers[Status] extends {
  content: { "application/json": infer Body };
}
  ? Body
  : never;
type Query = NonNullable<operations["journal"]["parameters"]["query"]>;

const [server, token] = process.argv.slice(2);

async function sell<Status extends keyof Answers & number>(
  expected: Status,
  magasin: number,
  ligne: Schemas["NouvelleLigne"],
): Promise<AnswerOf<Status>> {
  const body: Schemas["NouvelleVente"] = { magasin, lignes: [ligne] };
  const answer = await fetch(`${server}/api/v1/sales/`, {
    method: "POST",
    headers: {
      Authorization: `Token ${token}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (answer.status !== expected) {
    throw new Error(`${answer.status} ${await answer.text()}`);
  }
  return answer.json();
}

async function* pages(): AsyncGenerator<number[]> {
  const query: Query = { ordering: "-id", limit: 30 };
  const first = new URL(`${server}/api/v1/journal/`);
  for (const [name, value] of Object.entries(query)) {
    first.searchParams.set(name, String(value));
  }
  for (let link: string | null = first.href; link !== null; ) {
    const page: Schemas["Journal"] = await (await fetch(link)).json();
    yield page.results.map((change) => change.id);
    link = page.next;
  }
}

async function main() {
  const sale = await sell(201, 1, {
    produit: 4,
    quantite: 2,
    prix_unitaire: "15.50",
  });
  const read: number[][] = [];
  for await (const page of pages()) {
    read.push(page);
  }
  const conflict = await sell(409, 1, { produit: 4, quantite: 1000 });
  const missing = conflict.produits?.[0];
  const erreurs = await sell(400, 99, { produit: 4, quantite: 1 });
  console.log(
    JSON.stringify({
      vente: sale.id,
      total: sale.total,
      journal: read.flat(),
      pages: read.length,
      produit: missing?.produit,
      disponible: missing?.disponible,
      erreurs,
    }),
  );
}

main();
