# Tokens: their form, their scopes, their file.

use strict;
use warnings;

use lib 't/inc';

# The last blocks change the file of one nginx that goes on.
BEGIN { $ENV{TEST_NGINX_FORCE_RESTART_ON_TEST} //= 0 }

use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MagasinNginx;

our $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
our $file      = "$directory/tokens";

chmod 0755, $directory;

# The status of a write with this token.
sub status {
    my ($token) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => server_addr(),
        PeerPort => server_port()) or return 0;
    print {$socket} "PUT /api/v1/products/3/ HTTP/1.0\r\n"
        . "Authorization: Token $token\r\nContent-Length: 0\r\n\r\n";
    my $answer = do { local $/; <$socket> } // '';
    return $answer =~ m{\AHTTP/1\.1 (\d+)} ? $1 : 0;
}

# How often a file was refused.
sub refused {
    return scalar(() = MagasinNginx::slurp(server_root() . '/logs/error.log')
            =~ /the tokens stay as they were/g);
}

# Changes the file, and waits until that is seen.
sub seen {
    my ($change, $condition) = @_;
    my $before = refused();
    $change->();
    MagasinNginx::wait_for(sub { $condition->($before) })
        or die "the file is not looked at\n";
    return;
}

# taken(TOKEN, TEXT): until this token of the text counts
sub taken {
    my ($token, $text) = @_;
    return seen(sub { tokens($text) }, sub { status($token) =~ /^(?:2|403)/ });
}

sub not_taken {
    my ($change) = @_;
    return seen($change, sub { refused() > $_[0] });
}

# tokens(TEXT): the file, by a rename
sub tokens {
    my ($text) = @_;
    open my $new, '>', "$file.new" or die "$file.new: $!\n";
    print {$new} $text;
    close $new;
    chmod 0644, "$file.new";
    rename "$file.new", $file;
    return;
}

sub line {
    my ($id, $token, $scopes) = @_;
    return join(':', $id, sha256_hex($token), $scopes) . "\n";
}

tokens("# two of them\n\n" . line('caisse', 'secret-1', 'ventes,produits')
        . line('lecteur', 'secret-2', 'ventes'));

our $own = MagasinTest::database_directive() . " magasin_tokens $file;";

our @writes = map {s{ }{ /api/v1/}r} 'PUT products/999/',
    'PATCH products/3/', 'POST products/', 'DELETE products/999/',
    'POST sales/', 'POST stores/1/stock/3/adjust/', 'POST replenishments/',
    'POST replenishments/99/approve/', 'POST replenishments/99/reject/';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: the demonstration token
--- request
PUT /api/v1/products/3/
{"prix":"5.00"}
--- more_headers
Authorization: Token token-430
Content-Type: application/json
--- response_body_like: "prix":"5\.00"


=== TEST 2: no token
--- request
PUT /api/v1/products/3/
{"prix":"6.00"}
--- more_headers
Content-Type: application/json
--- error_code: 401
--- response_headers
Content-Type: application/json
WWW-Authenticate: Token
Allow: GET, PUT, HEAD, OPTIONS
Cache-Control: no-store
--- response_body_like chomp
\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":401,"error":"Unauthorized","message":"Token d'accès invalide ou manquant.","path":"/api/v1/products/3/"\}\z


=== TEST 3: a token of another form is none, one blank between two words
--- request eval
[("PUT /api/v1/products/3/\n{}") x 7]
--- more_headers eval
[map { "Content-Type: application/json\nAuthorization: $_" }
    'Bearer token-430', 'token token-430', 'Token  token-430',
    'Token', 'token-430', 'Token token-4300', 'Basic dG9rZW4tNDMwOg==']
--- error_code eval
[(401) x 7]


=== TEST 4: a blank after the token is one too many
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430 \r
Content-Type: application/json\r
Content-Length: 2\r
\r
{}"
--- error_code: 401


=== TEST 5: no blank before it is fine
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization:Token token-430\r
Content-Type: application/json\r
Content-Length: 2\r
\r
{}"
--- error_code: 200


=== TEST 6: the path of a 401 is the decoded one
--- request
PUT /api/v1/products/%30%303/?x=1
{}
--- more_headers
Content-Type: application/json
--- error_code: 401
--- response_body_like: "path":"/api/v1/products/003/"


=== TEST 7: reads need no token, and take no notice of a wrong one
--- request
GET /api/v1/products/3/
--- more_headers
Authorization: Token wrong
--- error_code: 200


=== TEST 8: 401 comes before 415, 400 and 404
--- request eval
["PUT /api/v1/products/3/\n{bad", "PUT /api/v1/products/999/\n{}",
 "PUT /api/v1/products/3/\n<a/>"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json",
 "Content-Type: application/xml"]
--- error_code eval
[401, 401, 401]


=== TEST 9: a file of one's own: another token serves
--- http_config eval: $::own
--- request eval
[("PUT /api/v1/products/3/\n{}") x 3]
--- more_headers eval
[map { "Content-Type: application/json\nAuthorization: Token $_" }
    'secret-1', 'token-430', '']
--- error_code eval
[200, 401, 401]


=== TEST 10: a token without the scope
--- http_config eval: $::own
--- request
PUT /api/v1/products/3/
{"prix":"7.00"}
--- more_headers
Authorization: Token secret-2
Content-Type: application/json
--- error_code: 403
--- response_body chomp
{"detail":"Vous n'avez pas la permission d'effectuer cette action."}


=== TEST 11: the file is read again when it changes, without a reload
--- init
main::taken('secret-3', main::line('nouveau', 'secret-3', 'produits'));
--- http_config eval: $::own
--- request eval
[("PUT /api/v1/products/3/\n{}") x 2]
--- more_headers eval
[map { "Content-Type: application/json\nAuthorization: Token $_" }
    'secret-3', 'secret-1']
--- error_code eval
[200, 401]


=== TEST 12: nginx runs, and the file is replaced by a bad one: the old stay
--- init
main::not_taken(sub { main::tokens("nouveau:1234:produits\n") });
--- http_config eval: $::own
--- request
PUT /api/v1/products/3/
{}
--- more_headers
Authorization: Token secret-3
Content-Type: application/json
--- error_code: 200


=== TEST 13: and once more, by no file at all
--- init
main::not_taken(sub { unlink $main::file });
--- http_config eval: $::own
--- request
PUT /api/v1/products/3/
{}
--- more_headers
Authorization: Token secret-3
Content-Type: application/json
--- error_code: 200


=== TEST 14: a good one counts again
--- init
main::taken('secret-4', main::line('nouveau', 'secret-4', 'produits'));
--- http_config eval: $::own
--- request eval
[("PUT /api/v1/products/3/\n{}") x 2]
--- more_headers eval
[map { "Content-Type: application/json\nAuthorization: Token $_" }
    'secret-4', 'secret-3']
--- error_code eval
[200, 401]


=== TEST 15: two tokens in one request are none
--- request
PUT /api/v1/products/3/
{}
--- more_headers
Authorization: Token token-430
Authorization: Token token-430
Content-Type: application/json
--- error_code_like: ^40[01]$


=== TEST 16: the token's own blanks and tabs
--- raw_request eval
["PUT /api/v1/products/3/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Token\ttoken-430\r\nContent-Length: 0\r\n\r\n"]
--- error_code: 401


=== TEST 17: a token in HTTP/2
--- http2
--- request eval
[("PUT /api/v1/products/3/") x 3]
--- more_headers eval
['Authorization: Token token-430', 'Authorization: Token token-4300', 'Authorization: Bearer token-430']
--- error_code eval
[200, 401, 401]


=== TEST 18: capitals in the digest, blanks at the end, comments
--- init
main::taken('secret-5', join("\n", '# comment', '', join(':', 'maj', uc Digest::SHA::sha256_hex('secret-5'), 'produits  '), join(':', 'autre', Digest::SHA::sha256_hex('secret-6'), 'ventes'), ''));
--- http_config eval: $::own
--- request eval
[("PUT /api/v1/products/3/\n{}") x 3]
--- more_headers eval
[map { "Content-Type: application/json\nAuthorization: Token $_" }
    'secret-5', 'secret-6', 'secret-7']
--- error_code eval
[200, 403, 401]


=== TEST 19: each write asks for its own scope
--- init
main::taken('only-produits', CORE::join('', map { main::line($_, "only-$_", $_) }
    qw(produits ventes prix stock reapprovisionnement admin)));
--- http_config eval: $::own
--- request eval
[map { my $write = $_; map {"$write\n{\"x\":1}"} 1 .. 6 } @::writes]
--- more_headers eval
[map { my $write = $_; map {"Content-Type: application/json\nAuthorization: Token only-$_"}
    qw(produits ventes prix stock reapprovisionnement admin) } @::writes]
--- error_code eval
# Where the scope is right it is the body, or what it is for, that is not.
[404, (403) x 5, 400, (403) x 5, 400, (403) x 5, 404, (403) x 5,
 403, 400, (403) x 4, (403) x 3, 400, 403, 403, (403) x 4, 400, 403,
 (403) x 4, 400, 403, (403) x 4, 400, 403]


=== TEST 20: a scope too little says so in one way
--- http_config eval: $::own
--- request eval
[map {"$_\n{broken"} @::writes]
--- more_headers
Content-Type: application/nothing
Authorization: Token only-admin
--- error_code eval: [(403) x @::writes]
--- response_body eval
[(q({"detail":"Vous n'avez pas la permission d'effectuer cette action."})) x @::writes]
--- response_headers eval
[("Content-Type: application/json\nCache-Control: no-store\n! WWW-Authenticate") x @::writes]


=== TEST 21: another price than the product's asks for one more
--- init
MagasinTest::reset();
main::taken('one', main::line('caisse', 'one', 'ventes') . main::line('chef', 'two', 'ventes,prix'));
--- http_config eval: $::own
--- request eval
[map {"POST /api/v1/sales/\n" . qq({"magasin":1,"lignes":[{"produit":4,"quantite":1$_}]})}
    '', ',"prix_unitaire":"1.00"', ',"prix_unitaire":"1.00"']
--- more_headers eval
[map {"Content-Type: application/json\nAuthorization: Token $_"} 'one', 'one', 'two']
--- error_code eval: [201, 403, 201]


=== TEST 22: without a token, and with a wrong one, each write is 401
--- request eval
[map { ("$_\n{broken") x 2 } @::writes]
--- more_headers eval
[("Content-Type: application/nothing", "Authorization: Token wrong") x @::writes]
--- error_code eval: [(401) x (2 * @::writes)]
--- response_headers eval
[("WWW-Authenticate: Token\nContent-Type: application/json\nCache-Control: no-store") x (2 * @::writes)]
--- response_body_like eval
[map { my ($path) = / (.*)/;
    ('\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":401,"error":"Unauthorized","message":"Token d\'accès invalide ou manquant\.","path":"' . $path . '"\}\z') x 2 }
    @::writes]


=== TEST 23: reads need none, whatever they are
--- request eval
[map {"GET /api/v1/$_"} qw(stores/ stores/1/ stores/1/stock/1/ stock/central/
    products/ products/1/availability/ sales/ sales/1/ replenishments/ journal/)]
--- more_headers
Authorization: Token wrong
--- error_code eval: [(200) x 10]


=== TEST 24: HEAD and OPTIONS of a path that is written need none
--- request eval
["HEAD /api/v1/products/", "OPTIONS /api/v1/sales/", "OPTIONS /api/v1/replenishments/1/approve/",
 "GET /api/v1/stores/1/stock/1/adjust/"]
--- error_code eval: [200, 200, 200, 405]
