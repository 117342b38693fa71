// Who a JSON Web Token says it is: for conf/identity/jwt.conf.
//
// RS256 and ES256 alone.  The key decides which of them a token may have, and
// never the token: a token that says HS256 would be signed with the public key
// as a secret, one that says none with nothing.
//
// njs 0.7.9 imports no JWK, so that the SPKI of a key is written here.

import fs from 'fs';

const LONGEST = 4096;               // bytes of a token
const SMALLEST = 256;               // bytes of an RSA modulus: 2048 bits
const LATE = 30;                    // seconds that a clock may be behind

const RSA = Buffer.from('300d06092a864886f70d0101010500', 'hex');
const P256 = Buffer.from(
    '3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

// An element of DER: tag, length, content.
function der(tag, content) {
    const n = content.length;
    let head;

    if (n < 128) {
        head = [tag, n];

    } else if (n < 256) {
        head = [tag, 0x81, n];

    } else {
        head = [tag, 0x82, n >> 8, n & 255];
    }

    return Buffer.concat([Buffer.from(head), content]);
}

// A positive INTEGER: no zeros before it, but one before a high bit.
function integer(bytes) {
    let i = 0;

    while (i < bytes.length - 1 && bytes[i] === 0) {
        i++;
    }

    bytes = bytes.slice(i);

    if (bytes[0] & 0x80) {
        bytes = Buffer.concat([Buffer.from([0]), bytes]);
    }

    return der(2, bytes);
}

// base64url without padding, as RFC 7515 has it.  Buffer passes over what is
// none, so that it is refused before.
function decode(text) {
    if (typeof text !== 'string' || !/^[A-Za-z0-9_-]+$/.test(text)) {
        throw Error('not base64url');
    }

    return Buffer.from(text, 'base64url');
}

function object(part) {
    const value = JSON.parse(decode(part).toString());

    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw Error('not an object');
    }

    return value;
}

// The SPKI of a JWK, and how it verifies; only for the algorithm of its type.
function importable(key, alg) {
    if (alg === 'RS256' && key.kty === 'RSA') {
        const n = decode(key.n);

        if (n.length < SMALLEST) {
            throw Error('a key too small');
        }

        const bits = der(3, Buffer.concat([Buffer.from([0]),
            der(0x30, Buffer.concat([integer(n), integer(decode(key.e))]))]));

        return {
            spki: der(0x30, Buffer.concat([RSA, bits])),
            algorithm: {name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256'},
            verify: {name: 'RSASSA-PKCS1-v1_5'}
        };
    }

    if (alg === 'ES256' && key.kty === 'EC' && key.crv === 'P-256') {
        const x = decode(key.x);
        const y = decode(key.y);

        if (x.length !== 32 || y.length !== 32) {
            throw Error('not a point of P-256');
        }

        return {
            spki: Buffer.concat([P256, Buffer.from([4]), x, y]),
            algorithm: {name: 'ECDSA', namedCurve: 'P-256'},
            verify: {name: 'ECDSA', hash: 'SHA-256'}
        };
    }

    throw Error('not the algorithm of the key');
}

// The key with this id, for signatures.  The file is read for each request, so
// that a new one counts at once.
function keyOf(file, header) {
    const keys = JSON.parse(fs.readFileSync(file, 'utf8')).keys.filter(
        (key) => key.kid === header.kid
            && (key.use === undefined || key.use === 'sig')
            && (key.alg === undefined || key.alg === header.alg));

    if (typeof header.kid !== 'string' || keys.length !== 1) {
        throw Error('not a key of ours');
    }

    return keys[0];
}

function timely(claims) {
    const now = Date.now() / 1000;

    if (typeof claims.exp !== 'number' || now >= claims.exp) {
        throw Error('expired');
    }

    if (claims.nbf !== undefined
        && (typeof claims.nbf !== 'number' || now + LATE < claims.nbf))
    {
        throw Error('not valid yet');
    }
}

// The claims of a token, or an exception.
async function verified(token, variables) {
    const parts = token.split('.');

    if (parts.length !== 3) {
        throw Error('not three parts');
    }

    const header = object(parts[0]);

    if (header.crit !== undefined) {
        throw Error('something critical');
    }

    const key = importable(keyOf(variables.jwt_keys, header), header.alg);
    const imported = await crypto.subtle.importKey('spki', key.spki,
        key.algorithm, false, ['verify']);

    const right = await crypto.subtle.verify(key.verify, imported,
        decode(parts[2]), Buffer.from(`${parts[0]}.${parts[1]}`));

    if (right !== true) {
        throw Error('not signed with this key');
    }

    const claims = object(parts[1]);

    timely(claims);

    if (claims.iss !== variables.jwt_issuer) {
        throw Error('of another issuer');
    }

    const audience = Array.isArray(claims.aud) ? claims.aud : [claims.aud];

    if (audience.indexOf(variables.jwt_audience) < 0) {
        throw Error('for somebody else');
    }

    if (typeof claims.sub !== 'string' || claims.sub === '') {
        throw Error('of nobody');
    }

    return claims;
}

// "openid magasin:ventes magasin:lecture" has two scopes of ours.
function scopesOf(claims) {
    if (typeof claims.scope !== 'string') {
        return '';
    }

    return claims.scope.split(' ').filter((s) => s.startsWith('magasin:'))
        .map((s) => s.slice('magasin:'.length)).join(',');
}

// The claim "magasins" is [1, 4], or "*" for all of them.  Without it there is
// none.
function storesOf(claims) {
    if (Array.isArray(claims.magasins)) {
        return claims.magasins.map(Number).join(',');
    }

    return claims.magasins === '*' ? '*' : '';
}

async function identity(r) {
    const header = r.headersIn.Authorization || '';
    const match = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(header);

    if (match && match[1].length <= LONGEST) {
        try {
            const claims = await verified(match[1], r.variables);
            const scopes = scopesOf(claims);
            const stores = storesOf(claims);

            r.headersOut['X-Magasin-Name'] = claims.sub;
            r.headersOut['X-Magasin-Scopes'] = scopes;
            r.headersOut['X-Magasin-Stores'] = stores;

        } catch (e) {
            r.log(`jwt: ${e.message}`);
        }
    }

    r.return(204);
}

export default {identity};
