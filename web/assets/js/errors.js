// What can go wrong with a request, as objects that say what can be done about
// it, and in words.

// The server has answered, but not with what was asked for.
export class Refusal extends Error {
    constructor(response, body, wait) {
        super(
            body?.detail ??
                body?.message ??
                sentence(response.status, body) ??
                `Erreur ${response.status}`,
        );
        this.status = response.status;
        this.body = body ?? {};
        this.wait = wait;
        this.etag = response.headers.get("ETag");
    }

    // {champ: [messages]} of a 400, which nothing else has
    get fields() {
        return this.status === 400 &&
            !this.body.detail &&
            Object.keys(this.body).length > 0
            ? this.body
            : null;
    }

    get temporary() {
        return [429, 502, 503, 504].includes(this.status);
    }
}

// The messages of a 400's fields, where no form shows them beside theirs.
function sentence(status, body) {
    const text = status === 400 && body ? Object.values(body).flat() : [];

    return text.filter((one) => typeof one === "string").join(" ") || null;
}

// No answer came.
export class Silence extends Error {
    constructor(cause) {
        super("Le serveur ne répond pas.", { cause });
        this.temporary = true;
        this.wait = 5;
    }
}

// The person closed the dialog that asked for the token.
export class Withdrawn extends Error {}

export function explain(error) {
    if (error instanceof Silence) {
        return navigator.onLine
            ? "Le serveur ne répond pas. Vérifiez le réseau."
            : "Cet appareil n’est pas connecté au réseau.";
    }
    if (!(error instanceof Refusal)) {
        return "Quelque chose d’inattendu s’est produit dans cette page.";
    }
    if (error.status === 503) {
        return "Le service est momentanément indisponible.";
    }
    if (error.status === 504 || error.status === 502) {
        return "Le serveur a mis trop de temps à répondre.";
    }
    if (error.status === 429) {
        return "Trop de demandes à la fois.";
    }
    if (error.status === 403) {
        return "Votre jeton n’autorise pas cette opération.";
    }
    return error.message;
}
