/*
 * A client that openapi-generator generated for Java: sells, reads the journal
 * page by page, and reads two errors.
 *
 * usage: Client SERVER TOKEN
 *
 * Prints what it has read as one JSON object, which t/clients/run compares with
 * the database.
 */

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.JournalApi;
import org.openapitools.client.api.SalesApi;
import org.openapitools.client.model.Changement;
import org.openapitools.client.model.Journal;
import org.openapitools.client.model.NouvelleLigne;
import org.openapitools.client.model.NouvelleVente;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.ProduitEnCause;
import org.openapitools.client.model.Vente;

public class Client {
    private final ApiClient client = new ApiClient();
    private final Map<String, Object> found = new LinkedHashMap<>();

    private Client(String server, String token) {
        client.updateBaseUri(server);
        /* The library "native" of the generator does not know tokens. */
        client.setRequestInterceptor(
            request -> request.header("Authorization", "Token " + token));
    }

    private Vente sell(long store, NouvelleLigne line) throws ApiException {
        NouvelleVente sale = new NouvelleVente().magasin(store);
        return new SalesApi(client).saleCreate(
            sale.addLignesItem(line.produit(4L)), null, null);
    }

    /*
     * What the server says of a sale that it refuses with this status.  The
     * client accepts problems (RFC 9457) too, and so it gets one.
     */
    private Problem refused(int status, long store, int quantity)
        throws Exception {
        try {
            sell(store, new NouvelleLigne().quantite(quantity));
        } catch (ApiException e) {
            if (e.getCode() == status) {
                return ApiClient.createDefaultObjectMapper()
                    .readValue(e.getResponseBody(), Problem.class);
            }
            throw e;
        }
        throw new IllegalStateException(status + " was expected");
    }

    private void journal() throws ApiException {
        JournalApi api = new JournalApi(client);
        List<Long> ids = new ArrayList<>();
        int pages = 0;
        String cursor = null;
        Journal page;
        do {
            page = api.journal(null, null, null, null, "-id", 30, cursor, null,
                               null);
            pages++;
            for (Changement change : page.getResults()) {
                ids.add(change.getId());
            }
            cursor = page.getNext() == null ? null : cursor(page.getNext());
        } while (cursor != null);
        found.put("journal", ids);
        found.put("pages", pages);
    }

    private static String cursor(URI link) {
        for (String pair : link.getRawQuery().split("&")) {
            if (pair.startsWith("cursor=")) {
                return URLDecoder.decode(pair.substring("cursor=".length()),
                                         StandardCharsets.UTF_8);
            }
        }
        return null;
    }

    private void run() throws Exception {
        Vente sale = sell(1, new NouvelleLigne().quantite(2)
                                 .prixUnitaire("15.50"));
        found.put("vente", sale.getId());
        found.put("total", sale.getTotal());
        journal();
        ProduitEnCause missing = refused(409, 1, 1000)
            .getProduits().get(0);
        found.put("produit", missing.getProduit());
        found.put("disponible", missing.getDisponible());
        found.put("erreurs", refused(400, 99, 1)
            .getErreurs().getAdditionalProperties());
        System.out.println(
            client.getObjectMapper().writeValueAsString(found));
    }

    public static void main(String[] args) throws Exception {
        new Client(args[0], args[1]).run();
    }
}
