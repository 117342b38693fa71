/*
 * A client that oapi-codegen generated: sells, reads the journal page by page,
 * and reads two errors.
 *
 * usage: oapi SERVER TOKEN
 *
 * Prints what it has read as one JSON object, which t/clients/run compares with
 * the database.
 */
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	magasin "clients/gen/oapi"
)

type found struct {
	Vente      magasin.Id          `json:"vente"`
	Total      magasin.Montant     `json:"total"`
	Journal    []magasin.Id        `json:"journal"`
	Pages      int                 `json:"pages"`
	Produit    magasin.Id          `json:"produit"`
	Disponible magasin.Quantite    `json:"disponible"`
	Erreurs    map[string][]string `json:"erreurs"`
}

// What is sold; a line may have a code in its place.
var product magasin.Id = 4

func sell(client *magasin.ClientWithResponses, store magasin.Id,
	line magasin.NouvelleLigne) *magasin.SaleCreateResponse {
	answer, err := client.SaleCreateWithResponse(context.Background(),
		&magasin.SaleCreateParams{},
		magasin.NouvelleVente{
			Magasin: store,
			Lignes:  []magasin.NouvelleLigne{line},
		})
	check(err)
	return answer
}

func (f *found) sale(client *magasin.ClientWithResponses) {
	price := "15.50"
	answer := sell(client, 1, magasin.NouvelleLigne{
		Produit:      &product,
		Quantite:     2,
		PrixUnitaire: &price,
	})
	if answer.JSON201 == nil {
		fail(answer.Status())
	}
	f.Vente, f.Total = answer.JSON201.Id, answer.JSON201.Total
}

func (f *found) journal(client *magasin.ClientWithResponses) {
	ordering, limit := magasin.JournalParamsOrdering("-id"), 30
	params := magasin.JournalParams{Ordering: &ordering, Limit: &limit}
	for {
		answer, err := client.JournalWithResponse(context.Background(), &params)
		check(err)
		if answer.JSON200 == nil {
			fail(answer.Status())
		}
		f.Pages++
		for _, change := range answer.JSON200.Results {
			f.Journal = append(f.Journal, change.Id)
		}
		if answer.JSON200.Next == nil {
			return
		}
		link, err := url.Parse(*answer.JSON200.Next)
		check(err)
		cursor := link.Query().Get("cursor")
		params.Cursor = &cursor
	}
}

func (f *found) errors(client *magasin.ClientWithResponses) {
	conflict := sell(client, 1, magasin.NouvelleLigne{
		Produit:  &product,
		Quantite: 1000,
	})
	if conflict.JSON409 == nil {
		fail(conflict.Status())
	}
	missing := (*conflict.JSON409.Produits)[0]
	f.Produit, f.Disponible = missing.Produit, *missing.Disponible

	refused := sell(client, 99, magasin.NouvelleLigne{
		Produit:  &product,
		Quantite: 1,
	})
	if refused.JSON400 == nil {
		fail(refused.Status())
	}
	f.Erreurs = refused.JSON400.AdditionalProperties
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
	client, err := magasin.NewClientWithResponses(os.Args[1],
		magasin.WithRequestEditorFn(func(_ context.Context,
			request *http.Request) error {
			request.Header.Set("Authorization", "Token "+os.Args[2])
			return nil
		}))
	check(err)
	var f found
	f.sale(client)
	f.journal(client)
	f.errors(client)
	check(json.NewEncoder(os.Stdout).Encode(f))
}
