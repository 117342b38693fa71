/*
 * A client that ogen generated: sells, reads the journal page by page, and reads
 * two errors.
 *
 * usage: ogen SERVER TOKEN
 *
 * Prints what it has read as one JSON object, which t/clients/run compares with
 * the database.
 */
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	magasin "clients/gen/ogen"
)

type found struct {
	Vente      magasin.ID          `json:"vente"`
	Total      magasin.Montant     `json:"total"`
	Journal    []magasin.ID        `json:"journal"`
	Pages      int                 `json:"pages"`
	Produit    magasin.ID          `json:"produit"`
	Disponible magasin.Quantite    `json:"disponible"`
	Erreurs    map[string][]string `json:"erreurs"`
}

/* The token goes with every operation that needs one. */
type token string

func (t token) Token(context.Context, magasin.OperationName) (magasin.Token,
	error) {
	return magasin.Token{APIKey: "Token " + string(t)}, nil
}

func sell(client *magasin.Client, store magasin.ID,
	line magasin.NouvelleLigne) magasin.SaleCreateRes {
	answer, err := client.SaleCreate(context.Background(),
		&magasin.NouvelleVente{
			Magasin: store,
			Lignes:  []magasin.NouvelleLigne{line},
		},
		magasin.SaleCreateParams{})
	check(err)
	return answer
}

func (f *found) sale(client *magasin.Client) {
	answer, ok := sell(client, 1, magasin.NouvelleLigne{
		Produit:      magasin.NewOptID(4),
		Quantite:     2,
		PrixUnitaire: magasin.NewOptPrix("15.50"),
	}).(*magasin.VenteHeaders)
	if !ok {
		fail("the sale was refused")
	}
	f.Vente, f.Total = answer.Response.ID, answer.Response.Total
}

func (f *found) journal(client *magasin.Client) {
	params := magasin.JournalParams{
		Ordering: magasin.NewOptJournalOrdering(magasin.JournalOrderingMinusID),
		Limit:    magasin.NewOptInt(30),
	}
	for {
		answer, err := client.Journal(context.Background(), params)
		check(err)
		page, ok := answer.(*magasin.JournalHeaders)
		if !ok {
			fail("the journal was refused")
		}
		f.Pages++
		for _, change := range page.Response.Results {
			f.Journal = append(f.Journal, change.ID)
		}
		next, ok := page.Response.Next.Get()
		if !ok {
			return
		}
		link := url.URL(next)
		params.Cursor = magasin.NewOptString(link.Query().Get("cursor"))
	}
}

func (f *found) errors(client *magasin.Client) {
	conflict, ok := sell(client, 1, magasin.NouvelleLigne{
		Produit:  magasin.NewOptID(4),
		Quantite: 1000,
	}).(*magasin.ConflictHeaders)
	if !ok {
		fail("too many were sold")
	}
	missing := conflict.Response.Produits[0]
	f.Produit, f.Disponible = missing.Produit, missing.Disponible.Value

	refused, ok := sell(client, 99, magasin.NouvelleLigne{
		Produit:  magasin.NewOptID(4),
		Quantite: 1,
	}).(*magasin.SaleErrorsHeaders)
	if !ok {
		fail("a store that does not exist has sold")
	}
	f.Erreurs = refused.Response.AdditionalProps
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func main() {
	client, err := magasin.NewClient(os.Args[1], token(os.Args[2]))
	check(err)
	var f found
	f.sale(client)
	f.journal(client)
	f.errors(client)
	check(json.NewEncoder(os.Stdout).Encode(f))
}
