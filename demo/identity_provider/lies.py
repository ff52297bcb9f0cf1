"""Every way in which the simulated log-in can lie or fail, each a named switch.

`LIES` must all be refused; `QUIRKS` are unusual but within the standards and must be
accepted. The tests run through both tables.
"""

from demo.identity_provider.bends import (
    ELSEWHERE,
    PERSON_CLAIMS,
    Lie,
    another_key,
    changed_after_signing,
    claim_twice,
    claims_in_a_list,
    deep_claims,
    drop,
    each_key,
    endless_exp,
    five_parts,
    header_name_twice,
    hs256_with_the_public_key,
    nested,
    none_with_a_signature,
    put,
    rs512,
    same_kid_twice,
    second_key,
    shift,
    short_key,
    unsigned,
    with_a_space,
    zero_signature,
)

LIES: dict[str, Lie] = {
    # The provider's own documents.
    "discovery-issuer-differs": Lie(metadata=put("issuer", ELSEWHERE)),
    "discovery-issuer-missing": Lie(metadata=drop("issuer")),
    "token-endpoint-on-another-host": Lie(metadata=put("token_endpoint", f"{ELSEWHERE}/token")),
    "token-endpoint-on-another-port": Lie(
        metadata=put("token_endpoint", "http://localhost:1/token")
    ),
    "token-endpoint-missing": Lie(metadata=drop("token_endpoint")),
    "authorization-endpoint-over-http": Lie(
        metadata=put("authorization_endpoint", "http://provider.example/auth")
    ),
    "authorization-endpoint-with-user": Lie(
        metadata=lambda document: (
            document
            | {
                "authorization_endpoint": document["authorization_endpoint"].replace(
                    "//", "//user@"
                )
            }
        )
    ),
    "jwks-on-another-host": Lie(metadata=put("jwks_uri", f"{ELSEWHERE}/keys")),
    "jwks-not-an-address": Lie(metadata=put("jwks_uri", "http://[")),
    "userinfo-on-another-host": Lie(metadata=put("userinfo_endpoint", f"{ELSEWHERE}/me")),
    "logout-on-another-host": Lie(metadata=put("end_session_endpoint", f"{ELSEWHERE}/out")),
    "jwks-empty": Lie(jwks=put("keys", [])),
    "jwks-without-keys": Lie(jwks=drop("keys")),
    "jwks-of-texts": Lie(jwks=put("keys", ["key"])),
    "jwks-same-kid-twice": Lie(jwks=same_kid_twice),
    "jwks-kid-is-a-number": Lie(jwks=each_key(put("kid", 7))),
    "jwks-short-key": Lie(jwks=short_key),
    "jwks-key-for-encryption": Lie(jwks=each_key(put("use", "enc"))),
    "jwks-key-of-another-algorithm": Lie(jwks=each_key(put("alg", "RS512"))),
    "jwks-key-broken": Lie(jwks=each_key(put("n", "!"))),
    "jwks-key-half-private": Lie(jwks=each_key(put("d", "AQAB"))),
    # What comes back through the browser.
    "state-other": Lie(callback=put("state", "A" * 43)),
    "state-missing": Lie(callback=drop("state")),
    "state-empty": Lie(callback=put("state", "")),
    "code-missing": Lie(callback=drop("code")),
    "code-unknown": Lie(callback=put("code", "A" * 43)),
    "code-overlong": Lie(callback=put("code", "A" * 5_000)),
    "response-iss-other": Lie(callback=put("iss", ELSEWHERE)),
    "response-iss-missing": Lie(callback=drop("iss")),
    "response-iss-other-unpromised": Lie(
        metadata=drop("authorization_response_iss_parameter_supported"),
        callback=put("iss", ELSEWHERE),
    ),
    "error-access-denied": Lie(callback=put("error", "access_denied")),
    "error-too-weak": Lie(callback=put("error", "unmet_authentication_requirements")),
    "error-unknown": Lie(callback=put("error", "<script>")),
    "error-server": Lie(callback=put("error", "server_error")),
    # The ID token's form and header.
    "alg-none": Lie(seal=unsigned),
    "alg-none-with-a-signature": Lie(seal=none_with_a_signature),
    "alg-hs256-with-the-public-key": Lie(seal=hs256_with_the_public_key),
    "alg-rs512": Lie(seal=rs512),
    "alg-missing": Lie(header=drop("alg")),
    "kid-unknown": Lie(header=put("kid", "unknown")),
    "kid-a-number": Lie(header=put("kid", 7)),
    "kid-missing-with-two-keys": Lie(header=drop("kid"), jwks=second_key),
    "jku-header": Lie(header=put("jku", f"{ELSEWHERE}/keys")),
    "x5u-header": Lie(header=put("x5u", f"{ELSEWHERE}/chain")),
    "x5c-header": Lie(header=put("x5c", ["AAAA"])),
    "jwk-header": Lie(header=put("jwk", {"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
    "crit-header": Lie(header=put("crit", ["exp"])),
    "b64-header": Lie(header=put("b64", value=False)),
    "typ-of-a-logout-token": Lie(header=put("typ", "logout+jwt")),
    "header-name-twice": Lie(seal=header_name_twice),
    "signed-with-another-key": Lie(seal=another_key),
    "signature-of-zeros": Lie(seal=zero_signature),
    "claims-changed-after-signing": Lie(seal=changed_after_signing),
    "claim-twice": Lie(seal=claim_twice),
    "claims-in-a-list": Lie(seal=claims_in_a_list),
    "claims-too-deep": Lie(seal=deep_claims),
    "token-nested": Lie(seal=nested),
    "token-of-five-parts": Lie(seal=five_parts),
    "token-with-a-space": Lie(seal=with_a_space),
    "token-overlong": Lie(claims=put("padding", "A" * 17_000)),
    # Its claims.
    "iss-other": Lie(claims=put("iss", ELSEWHERE)),
    "iss-missing": Lie(claims=drop("iss")),
    "sub-missing": Lie(claims=drop("sub")),
    "sub-empty": Lie(claims=put("sub", "")),
    "sub-a-number": Lie(claims=put("sub", 7)),
    "sub-overlong": Lie(claims=put("sub", "P" * 256)),
    "aud-other": Lie(claims=put("aud", "another-client")),
    "aud-missing": Lie(claims=drop("aud")),
    "aud-a-number": Lie(claims=put("aud", 7)),
    "aud-several-without-azp": Lie(
        claims=lambda claims: drop("azp")(claims) | {"aud": [claims["aud"], "another-client"]}
    ),
    "azp-other": Lie(claims=put("azp", "another-client")),
    "exp-missing": Lie(claims=drop("exp")),
    "exp-passed": Lie(claims=lambda claims: claims | {"exp": claims["iat"] - 61}),
    "exp-a-text": Lie(claims=lambda claims: claims | {"exp": str(claims["exp"])}),
    "exp-true": Lie(claims=put("exp", value=True)),
    "exp-endless": Lie(seal=endless_exp),
    "iat-missing": Lie(claims=drop("iat")),
    "iat-in-the-future": Lie(claims=shift(iat=61)),
    "iat-before-the-attempt": Lie(claims=shift(iat=-61)),
    "iat-negative": Lie(claims=put("iat", -1e300)),
    "nbf-in-the-future": Lie(claims=lambda claims: claims | {"nbf": claims["iat"] + 61}),
    "nbf-true": Lie(claims=put("nbf", value=True)),
    "nonce-other": Lie(claims=put("nonce", "A" * 43)),
    "nonce-missing": Lie(claims=drop("nonce")),
    "nonce-half-a-character": Lie(claims=put("nonce", "\ud800")),
    "at-hash-other": Lie(claims=put("at_hash", "A" * 22)),
    "at-hash-a-number": Lie(claims=put("at_hash", 7)),
    "auth-time-missing": Lie(claims=drop("auth_time")),
    "auth-time-too-long-ago": Lie(claims=shift(auth_time=-600)),
    "auth-time-in-the-future": Lie(claims=shift(auth_time=61)),
    "acr-missing": Lie(claims=drop("acr")),
    "acr-too-weak": Lie(claims=put("acr", "urn:be:vlaanderen:authmech:csampassword")),
    "acr-unknown": Lie(claims=put("acr", "urn:be:vlaanderen:authmech:other")),
    "acr-a-list": Lie(claims=lambda claims: claims | {"acr": [claims["acr"]]}),
    # The person.
    "rrn-missing": Lie(claims=drop("rrn"), userinfo=drop("rrn")),
    "rrn-a-number": Lie(claims=put("rrn", 84022999510)),
    "rrn-junk": Lie(claims=put("rrn", "geen nummer")),
    "rrn-too-short": Lie(claims=put("rrn", "8402299951")),
    "rrn-with-wrong-check-digits": Lie(claims=put("rrn", "84022999511")),
    "rrn-of-date-zero": Lie(claims=put("rrn", "00000000097")),
    "rrn-with-points": Lie(claims=put("rrn", "84.02.29-996.09")),
    "rrn-in-full-width-digits": Lie(claims=put("rrn", "\uff18\uff14022999510")),
    "capacity-of-a-school": Lie(claims=put("vo_doelgroepcode", "OV")),
    "capacity-null": Lie(claims=put("vo_doelgroepcode", None)),
    "given-name-missing": Lie(claims=drop("given_name"), userinfo=drop("given_name")),
    "given-name-blank": Lie(claims=put("given_name", "  ")),
    "family-name-overlong": Lie(claims=put("family_name", "A" * 201)),
    "family-name-with-a-control": Lie(claims=put("family_name", "A\u0007")),
    "family-name-half-a-character": Lie(claims=put("family_name", "\ud800")),
    "family-name-a-list": Lie(claims=put("family_name", ["A"])),
    "userinfo-of-another-sub": Lie(claims=drop(*PERSON_CLAIMS), userinfo=put("sub", "P0")),
    "userinfo-without-sub": Lie(claims=drop(*PERSON_CLAIMS), userinfo=drop("sub")),
    "userinfo-of-a-school": Lie(
        claims=drop(*PERSON_CLAIMS), userinfo=put("vo_doelgroepcode", "OV")
    ),
    "userinfo-nowhere": Lie(claims=drop(*PERSON_CLAIMS), metadata=drop("userinfo_endpoint")),
    "userinfo-fails": Lie(claims=drop(*PERSON_CLAIMS), faults={"userinfo": "error"}),
    "userinfo-a-page": Lie(claims=drop(*PERSON_CLAIMS), faults={"userinfo": "page"}),
    # The token endpoint's answer.
    "token-type-other": Lie(answer=put("token_type", "MAC")),
    "token-type-missing": Lie(answer=drop("token_type")),
    "id-token-missing": Lie(answer=drop("id_token")),
    "id-token-a-list": Lie(answer=lambda answer: answer | {"id_token": [answer["id_token"]]}),
    "access-token-missing": Lie(answer=drop("access_token")),
    "access-token-other": Lie(answer=put("access_token", "another")),
    "access-token-not-ascii": Lie(answer=put("access_token", "é")),
    # Answers that are none.
    **{
        f"{endpoint}-{fault}": Lie(faults={endpoint: fault})
        for endpoint in ("discovery", "keys", "token")
        for fault in (
            "error",
            "refusal",
            "redirect",
            "page",
            "no-json",
            "list",
            "name-twice",
            "plain-text",
            "not-a-text",
            "too-long",
            "endless",
            "compressed",
            "too-slow",
            "trickle",
        )
    },
}

QUIRKS: dict[str, Lie] = {
    "kid-missing-with-one-key": Lie(header=drop("kid")),
    # A log-in asks nothing of it.
    "introspect-error": Lie(faults={"introspect": "error"}),
    "typ-in-lower-case": Lie(header=put("typ", "jwt")),
    "typ-missing": Lie(header=drop("typ")),
    "kid-missing-on-both-sides": Lie(header=drop("kid"), jwks=each_key(drop("kid"))),
    "keys-of-other-kinds-beside": Lie(
        jwks=lambda document: {"keys": [{"kty": "EC", "crv": "P-256"}, *document["keys"]]}
    ),
    "response-iss-neither-promised-nor-there": Lie(
        metadata=drop("authorization_response_iss_parameter_supported"), callback=drop("iss")
    ),
    "aud-several-with-azp": Lie(
        claims=lambda claims: claims | {"aud": [claims["aud"], "another-client"]}
    ),
    "aud-in-a-list": Lie(claims=lambda claims: drop("azp")(claims) | {"aud": [claims["aud"]]}),
    "at-hash-missing": Lie(claims=drop("at_hash")),
    "clock-a-minute-behind": Lie(claims=shift(iat=-55, exp=-55)),
    "clock-a-minute-ahead": Lie(claims=shift(iat=55, exp=55)),
    "expired-within-the-leeway": Lie(claims=lambda claims: claims | {"exp": claims["iat"] - 55}),
    "capacity-of-a-citizen": Lie(claims=put("vo_doelgroepcode", "BUR")),
    "claims-in-userinfo": Lie(claims=drop(*PERSON_CLAIMS)),
    # The signed claim counts.
    "userinfo-of-another-number": Lie(
        claims=drop("given_name", "family_name"), userinfo=put("rrn", "79061599760")
    ),
    "logged-in-some-time-ago": Lie(claims=shift(auth_time=-100)),
    "names-in-userinfo": Lie(claims=drop("given_name", "family_name")),
    "token-type-in-lower-case": Lie(answer=put("token_type", "bearer")),
    "claims-nobody-asked-for": Lie(claims=put("vo_email", "iemand@example.org")),
    "no-logout": Lie(metadata=drop("end_session_endpoint")),
}
