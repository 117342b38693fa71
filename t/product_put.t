# PUT /api/v1/products/{id}/: every type for every field, the sentences of
# the errors, their order, and what is stored.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::puts();

run_tests();

__DATA__

=== TEST 1: each field alone, and all of them
--- puts
{} ->
{"nom":"Tapis"} -> nom="Tapis"
{"categorie":"Bureau"} -> categorie="Bureau"
{"prix":"21.50"} -> prix="21.50"
{"description":"Antidérapant"} -> description="Antidérapant"
{"description":"d","prix":1,"categorie":"c","nom":"n"} -> nom="n" categorie="c" prix="1.00" description="d"
{"autre":1,"id":9,"quantite_stock":7,"Nom":"x","NOM":null} ->
{"nom":"a","nom":"b"} -> nom="b"
{"nom":null,"nom":"c"} -> nom="c"
{"n\u006fm":"d"} -> nom="d"
--- no_error_log
[error]


=== TEST 2: the headers of the answer, and what the database has then
--- init
MagasinTest::reset();
--- request eval
["PUT /api/v1/products/3/\n" . '{"prix":"7.5"}', 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[(q({"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"7.50","description":"Surface antidérapante et étendue"})) x 2]
--- response_headers eval
["Content-Type: application/json\nAllow: GET, PUT, HEAD, OPTIONS\nCache-Control: no-store\n! ETag\n! WWW-Authenticate",
 "Cache-Control: no-cache"]


=== TEST 3: text fields take text and numbers
--- puts
{"nom":12} -> nom="12"
{"nom":-0} -> nom="0"
{"nom":123456789012345678901234567890} -> nom="123456789012345678901234567890"
{"nom":1.0} -> nom="1.0"
{"nom":1.10} -> nom="1.1"
{"nom":-0.0} -> nom="-0.0"
{"nom":1e3} -> nom="1000.0"
{"nom":1E3} -> nom="1000.0"
{"nom":1e15} -> nom="1000000000000000.0"
{"nom":1e16} -> nom="1e+16"
{"nom":1.5e16} -> nom="1.5e+16"
{"nom":123456789012345680.0} -> nom="1.2345678901234568e+17"
{"nom":0.0001} -> nom="0.0001"
{"nom":0.00001} -> nom="1e-05"
{"nom":1e-7} -> nom="1e-07"
{"nom":1.5e-7} -> nom="1.5e-07"
{"nom":16.189999999999998} -> nom="16.189999999999998"
{"nom":0.1} -> nom="0.1"
{"nom":5e-324} -> nom="5e-324"
{"nom":1.7976931348623157e308} -> nom="1.7976931348623157e+308"
{"nom":1e400} -> nom="inf"
{"nom":-1e400} -> nom="-inf"
{"categorie":0} -> categorie="0"
{"description":1.5} -> description="1.5"


=== TEST 4: and nothing else
--- puts
{"nom":null} -> nom null
{"nom":true} -> nom string
{"nom":false} -> nom string
{"nom":[]} -> nom string
{"nom":["a"]} -> nom string
{"nom":{}} -> nom string
{"nom":{"a":1}} -> nom string
{"categorie":null} -> categorie null
{"categorie":true} -> categorie string
{"categorie":[]} -> categorie string
{"categorie":{}} -> categorie string
{"description":null} -> description null
{"description":false} -> description string
{"description":[]} -> description string
{"description":{}} -> description string
{"prix":null} -> prix null
{"prix":true} -> prix number
{"prix":false} -> prix number
{"prix":[]} -> prix number
{"prix":[1]} -> prix number
{"prix":{}} -> prix number
{} ->


=== TEST 5: text is trimmed, and may not be blank but for a description
--- puts
{"nom":""} -> nom blank
{"nom":"   "} -> nom blank
{"nom":"\t\n\u000b\f\r\u001c\u001f\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"} -> nom blank
{"categorie":" "} -> categorie blank
{"nom":"  a  b  "} -> nom="a  b"
{"nom":"\u3000é\u00a0"} -> nom="é"
{"categorie":"\u2003x\u0085"} -> categorie="x"
{"nom":"\u200ba\ufeff"} -> nom="​a﻿"
{"nom":"\u180e"} -> nom="᠎"
{"description":""} -> description=""
{"description":" \n "} -> description=""
{"description":" a\nb "} -> description="a\nb"
{"prix":""} -> prix number
{"prix":"  "} -> prix number
{"prix":"\u00a05\u3000"} -> prix="5.00"


=== TEST 6: text may have every character
--- puts
{"nom":"\"\\\/\b\f\n\r\tx"} -> nom="\"\\/\b\f\n\r\tx"
{"nom":"é\u00e9€\u20ac😀\ud83d\ude00"} -> nom="éé€€😀😀"
{"nom":"\u0001\u007f"} -> nom="\u0001"
{"nom":"a\u2028b\u2029c"} -> nom="a\u2028b\u2029c"
{"nom":"<b>&amp;'%_"} -> nom="<b>&amp;'%_"
{"nom":"'; DROP TABLE produit; --"} -> nom="'; DROP TABLE produit; --"
{"nom":"\ufffe\uffff"} -> nom="￾￿"
{"nom":"null"} -> nom="null"


=== TEST 7: but NUL and half surrogate pairs
--- puts
{"nom":"\u0000"} -> nom nul
{"nom":"a\u0000b"} -> nom nul
{"categorie":"\u0000"} -> categorie nul
{"description":"a\u0000"} -> description nul
{"prix":"1\u0000"} -> prix number
{"nom":"\ud800"} -> nom U+D800
{"nom":"a\udfffb\ud800"} -> nom U+DFFF
{"categorie":"\ude00\ud83d"} -> categorie U+DE00
{"description":"\ud83d\u0041"} -> description U+D83D
{"nom":"\u0000\ud800"} -> nom nul U+D800
{"prix":"\ud800"} -> prix number
{"autre":"\ud800"} ->
{"\ud800":1} ->
{"\u0000":1} ->
{"autre":"\u0000"} ->


=== TEST 8: a hundred characters are enough for a name
--- init
MagasinTest::reset();
--- request eval
[map {"PUT /api/v1/products/3/\n$_"}
    '{"nom":"' . 'a' x 100 . '"}', '{"nom":"' . 'a' x 101 . '"}',
    '{"nom":" ' . 'é' x 100 . ' "}', '{"nom":"' . 'é' x 101 . '"}',
    '{"nom":"' . '\ud83d\ude00' x 100 . '"}',
    '{"nom":"' . '😀' x 101 . '"}',
    '{"categorie":"' . 'c' x 100 . '"}', '{"categorie":"' . 'c' x 101 . '"}',
    '{"nom":"' . 'a' x 101 . '\u0000\ud800"}',
    '{"nom":' . '1' x 100 . '}', '{"nom":' . '1' x 101 . '}']
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, 400, 200, 400, 200, 400, 200, 400, 400, 200, 400]
--- response_body eval
my $long = MagasinTest::error_body('nom long');
my $cat = '"Accessoire"';
my $show = sub { MagasinTest::product_body(%MagasinTest::Product, @_) };
[$show->(nom => '"' . 'a' x 100 . '"'), $long,
 $show->(nom => '"' . 'é' x 100 . '"'), $long,
 $show->(nom => '"' . '😀' x 100 . '"'), $long,
 $show->(nom => '"' . '😀' x 100 . '"', categorie => '"' . 'c' x 100 . '"'),
 MagasinTest::error_body('categorie long'),
 MagasinTest::error_body('nom long nul U+D800'),
 $show->(nom => '"' . '1' x 100 . '"', categorie => '"' . 'c' x 100 . '"'),
 $long]


=== TEST 9: all errors are told, in the order of the fields
--- puts
{"description":null,"prix":"x","categorie":"","nom":[]} -> nom string, categorie blank, prix number, description null
{"prix":-1,"nom":"ok"} -> prix negative
{"description":1,"prix":"1.234"} -> prix fraction
{"categorie":null,"nom":null} -> nom null, categorie null
{} ->


=== TEST 10: prices as text
--- puts
{"prix":"0"} -> prix="0.00"
{"prix":"5"} -> prix="5.00"
{"prix":"5."} -> prix="5.00"
{"prix":".5"} -> prix="0.50"
{"prix":"+5.1"} -> prix="5.10"
{"prix":"00012"} -> prix="12.00"
{"prix":"00000000000000012.5"} -> prix="12.50"
{"prix":" 7.25\n"} -> prix="7.25"
{"prix":"1e2"} -> prix="100.00"
{"prix":"1E+2"} -> prix="100.00"
{"prix":"150e-2"} -> prix="1.50"
{"prix":"0e0"} -> prix="0.00"
{"prix":"1_000"} -> prix="1000.00"
{"prix":"_1"} -> prix="1.00"
{"prix":"1_"} -> prix="1.00"
{"prix":"1e_1"} -> prix="10.00"
{"prix":"٤٢"} -> prix="42.00"
{"prix":"５.５"} -> prix="5.50"
{"prix":"99999999.99"} -> prix="99999999.99"
{"prix":"0.01"} -> prix="0.01"


=== TEST 11: what is no price
--- puts
{"prix":"abc"} -> prix number
{"prix":"1,5"} -> prix number
{"prix":"1 000"} -> prix number
{"prix":"+ 5"} -> prix number
{"prix":"--5"} -> prix number
{"prix":"0x10"} -> prix number
{"prix":"½"} -> prix number
{"prix":"1.2.3"} -> prix number
{"prix":"."} -> prix number
{"prix":"e5"} -> prix number
{"prix":"1e"} -> prix number
{"prix":"-"} -> prix number
{"prix":"$5"} -> prix number
{"prix":"NaN"} -> prix number
{"prix":"sNaN"} -> prix number
{"prix":"Infinity"} -> prix number
{"prix":"-inf"} -> prix number
{"prix":1e400} -> prix number
{"prix":"1e1000000000000000000"} -> prix number
{"prix":"11e999999999999999999"} -> prix number
{"prix":"0e1000000000000000000"} -> prix number
{"prix":"1e-2000000000000000000"} -> prix number
{} ->


=== TEST 12: prices with too many digits
--- puts
{"prix":"100000000"} -> prix whole
{"prix":"100000000.0"} -> prix whole
{"prix":"1e8"} -> prix whole
{"prix":"1e9"} -> prix whole
{"prix":"1e10"} -> prix digits
{"prix":"12345678901"} -> prix digits
{"prix":"123456789.12"} -> prix digits
{"prix":"12345678.000"} -> prix digits
{"prix":"0.00000000001"} -> prix digits
{"prix":"0e10"} -> prix digits
{"prix":"1e999999999999999999"} -> prix digits
{"prix":"1e-1000000000000000000"} -> prix digits
{"prix":"1.234"} -> prix fraction
{"prix":"1.100"} -> prix fraction
{"prix":"15.990"} -> prix fraction
{"prix":"0.000"} -> prix fraction
{"prix":"0e-3"} -> prix fraction
{"prix":"5000e-3"} -> prix fraction
{"prix":"-0.001"} -> prix fraction
{"prix":"-1"} -> prix negative
{"prix":"-0.01"} -> prix negative
{"prix":"-99999999.99"} -> prix negative
{"prix":"-100000000"} -> prix whole
{} ->


=== TEST 13: prices as numbers
--- puts
{"prix":0} -> prix="0.00"
{"prix":12} -> prix="12.00"
{"prix":-0} -> prix="0.00"
{"prix":19.99} -> prix="19.99"
{"prix":1.100} -> prix="1.10"
{"prix":0.000} -> prix="0.00"
{"prix":5000e-3} -> prix="5.00"
{"prix":1e2} -> prix="100.00"
{"prix":99999999.99} -> prix="99999999.99"
{"prix":1e-400} -> prix="0.00"
{"prix":1e9} -> prix digits
{"prix":1000000000} -> prix whole
{"prix":12345678901} -> prix digits
{"prix":123456789012345678901234567890} -> prix digits
{"prix":1e16} -> prix digits
{"prix":16.189999999999998} -> prix digits
{"prix":1.005} -> prix fraction
{"prix":-1} -> prix negative
{"prix":-0.01} -> prix negative


=== TEST 14: a price's text has a thousand characters at most
--- init
MagasinTest::reset();
--- request eval
[map {"PUT /api/v1/products/3/\n" . '{"prix":"' . $_ . '"}'}
    '0' x 1000, '0' x 1001, ' ' . '0' x 1000 . ' ', 'x' x 1000, 'x' x 1001,
    'é' x 1000, 'é' x 1001]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, 400, 200, 400, 400, 400, 400]
--- response_body eval
my ($number, $long) = map { MagasinTest::error_body("prix $_") } qw(number toolong);
[qr/"prix":"0\.00"/, $long, qr/"prix":"0\.00"/, $number, $long, $number, $long]


=== TEST 15: minus nothing is nothing
--- init
MagasinTest::reset();
--- request eval
[map({"PUT /api/v1/products/3/\n" . '{"prix":' . $_ . '}'}
    '"-0"', '"-0.0"', '-0.0'), 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, 200, 200, 200]
--- response_body eval
[(qr/"prix":"-?0\.00"/) x 3, qr/"prix":"0\.00"/]


=== TEST 16: JSON that is no object
--- init
MagasinTest::reset();
--- request eval
[map {"PUT /api/v1/products/3/\n$_"}
    'null', '1', '1.5', '"a"', 'true', 'false', '[]', '[{"nom":"x"}]', '{}']
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[(400) x 8, 200]
--- response_body eval
['{"non_field_errors":["No data provided"]}',
 map({qq({"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu $_."]})}
    qw(int float str bool bool list list)),
 MagasinTest::product_body(%MagasinTest::Product)]


=== TEST 17: what is no JSON
--- init
MagasinTest::reset();
--- request eval
[map({"PUT /api/v1/products/3/\n$_"}
    '{', '}', '{"nom"}', '{"nom":}', '{"nom":"x"', '{"nom":"x",}',
    '{nom:"x"}', "{'nom':'x'}", '{"nom":"x"}{}', '{"nom":"x"} x', '[1,]',
    '{"nom":"x}', '{"nom":"\x"}', '{"nom":"\u12"}', '{"nom":"\u12g4"}',
    "{\"nom\":\"a\nb\"}", "{\"nom\":\"a\tb\"}", "{\"nom\":\"a\0b\"}",
    "{\"nom\":\"x\"}\0", "\xef\xbb\xbf{}", '{"nom":NaN}',
    '{"nom":Infinity}', '{"prix":-Infinity}', '{"autre":NaN}', '{"prix":01}',
    '{"prix":+1}', '{"prix":.5}', '{"prix":5.}', '{"prix":1e}',
    '{"prix":0x1}', '{"prix":1_0}', '{"nom":tru}', '{"nom":nul}',
    "\xc2\xa0{}", "{\f}", '{"nom":"x"//}', '{/**/}', 'nom=x', '<a/>',
    '{"nom":"x" "prix":1}', '{"prix":' . '1' x 4301 . '}', ' '),
 'GET /api/v1/products/3/']
--- more_headers eval
"$MagasinTest::Json\nX: y"
--- error_code eval
[(400) x 41, 200, 200]
--- response_body eval
[($MagasinTest::ParseError) x 41,
 (MagasinTest::product_body(%MagasinTest::Product)) x 2]


=== TEST 18: blanks alone are no JSON
--- request eval
"PUT /api/v1/products/3/\n  \n"
--- more_headers eval
"$MagasinTest::Json\nContent-Length: 3"
--- error_code: 400
--- response_body_like: "JSON parse error - 


=== TEST 19: text that is no UTF-8
--- init
MagasinTest::reset();
--- request eval
[map({"PUT /api/v1/products/3/\n{\"nom\":\"$_\"}"}
    "\xff", "a\xe9b", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
    "\xf0\x9f\x98", "\x80"),
 "PUT /api/v1/products/3/\n{\"\xff\":1}", 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[(400) x 12, 200]
--- response_body eval
[($MagasinTest::ParseError) x 12,
 MagasinTest::product_body(%MagasinTest::Product)]


=== TEST 20: depth
--- init
MagasinTest::reset();
--- request eval
[map({"PUT /api/v1/products/3/\n$_"}
    '{"autre":' . '[' x 500 . ']' x 500 . '}',
    '[' x 10000 . ']' x 10000,
    '{"nom":' . '[' x 10000 . ']' x 10000 . '}',
    '{"a":' x 10000 . '1' . '}' x 10000,
    '[' x 10000, '{"nom":' x 10000, '[' x 1000000),
 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- timeout: 10
--- error_code eval
[200, (400) x 6, 200]
--- response_body eval
[MagasinTest::product_body(%MagasinTest::Product),
 ($MagasinTest::ParseError) x 6,
 MagasinTest::product_body(%MagasinTest::Product)]
--- no_error_log
[error]


=== TEST 21: a body cut anywhere is an error and changes nothing
--- init
MagasinTest::reset();
--- request eval
my $body = '{"nom":"caf\u00e9 é","prix":12.5e0,"description":null,"categorie":[1,{"a":true}]}';
[map({"PUT /api/v1/products/3/\n" . substr $body, 0, $_} 1 .. length($body) - 1),
 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval
my $body = '{"nom":"caf\u00e9 é","prix":12.5e0,"description":null,"categorie":[1,{"a":true}]}';
[(400) x (length($body) - 1), 200]
--- response_body eval
my $body = '{"nom":"caf\u00e9 é","prix":12.5e0,"description":null,"categorie":[1,{"a":true}]}';
[($MagasinTest::ParseError) x (length($body) - 1),
 MagasinTest::product_body(%MagasinTest::Product)]


=== TEST 22: forms
--- more_headers eval: $MagasinTest::Form
--- puts
nom=Tapis -> nom="Tapis"
nom=a&prix=3.5&categorie=c&description=d -> nom="a" prix="3.50" categorie="c" description="d"
nom=b+c%20d -> nom="b c d"
nom=caf%C3%A9 -> nom="café"
nom=café -> nom="café"
nom=x&nom=y -> nom="y"
&&nom=z& -> nom="z"
nom=a=b -> nom="a=b"
n%6Fm=w -> nom="w"
nom=%zz%2 -> nom="%zz%2"
nom=%E9 -> nom="�"
nom=%ED%A0%80 -> nom="���"
nom=%F0%9F%98%80 -> nom="😀"
nom=a;prix=2 -> nom="a;prix=2"
nom= ->
nom ->
prix= ->
categorie= ->
description= -> description=""
nom=x&nom= ->
{"nom":"x"} ->
autre=1 ->
nom=%20 -> nom blank
prix=%20 -> prix number
nom=%00 -> nom nul
prix=1%00 -> prix number
prix=-1 -> prix negative
prix=1.234 -> prix fraction
prix=%2B5 -> prix="5.00"
prix=+5 -> prix="5.00"
prix=true -> prix number
nom=null -> nom="null"
nom=%00&prix=a&categorie=+&description=%00 -> nom nul, categorie blank, prix number, description nul


=== TEST 23: raw bytes of a form that are no UTF-8 are latin-1
--- init
MagasinTest::reset();
--- request eval
"PUT /api/v1/products/3/\nnom=caf\xe9"
--- more_headers eval: $MagasinTest::Form
--- response_body eval
MagasinTest::product_body(%MagasinTest::Product, nom => '"café"')


=== TEST 24: a form of a thousand fields, and of one more
--- init
MagasinTest::reset();
--- request eval
["PUT /api/v1/products/3/\n" . 'a=1&' x 999 . 'nom=x',
 "PUT /api/v1/products/3/\n" . 'a=1&' x 1000 . 'nom=y',
 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Form
--- error_code eval
[200, 400, 200]
--- response_body eval
[qr/^\{"nom":"x"/, qr/^\{"detail":"[^"]+"\}$/, qr/^\{"nom":"x"/]


=== TEST 25: multipart
--- init
MagasinTest::reset();
--- request eval
my $part = sub {
    my ($disposition, $value, @more) = @_;
    return CORE::join "\r\n", '--BbB', "Content-Disposition: $disposition", @more, '', $value, '';
};
my $end = "--BbB--\r\n";
[map {"PUT /api/v1/products/3/\n$_"}
    $part->('form-data; name="nom"', 'un') . $end,
    $part->('form-data; name="nom"', 'deux') . $part->('form-data; name="prix"', '4.5') . $end,
    $part->('form-data; name=nom', 'trois') . $end,
    $part->('form-data; name="nom"', 'quatre', 'Content-Type: text/plain; charset=utf-8') . $end,
    $part->('form-data; name="nom"', 'x') . $part->('form-data; name="nom"', 'cinq') . $end,
    $part->('form-data; name="nom"', 'é€😀') . $end,
    $part->('form-data; name="nom"', '') . $end,
    $part->('form-data; name="description"', '') . $end,
    $part->('form-data; name="nom"', ' ') . $end,
    $part->('form-data; name="prix"', '-1') . $end,
    $part->('form-data; name="nom"; filename="a.txt"', 'x') . $end,
    $part->('form-data; name="prix"; filename="a.txt"', '1') . $end,
    $part->('form-data; name="nom"', 'x') . $part->('form-data; name="nom"; filename="a"', 'x') . $end,
    $part->('form-data; name="photo"; filename="a.png"', "\xff\0\x89") . $end,
    $part->('form-data; name="nom"; filename=""', 'six') . $end,
    $part->('form-data; name="autre"', 'x') . $end,
    $part->('form-data', 'x') . $end,
    $part->('form-data; name="nom"', "a\0b") . $end,
    $part->('form-data; name="nom"', 'c2VwdA==', 'Content-Transfer-Encoding: base64') . $end,
    "preamble\r\n" . $part->('form-data; name="nom"', 'huit') . $end . 'epilogue',
    $part->('form-data; name="nom"', "\xff") . $end,
    $part->('form-data; name="description"', "a\r\nb") . $end,
]
--- more_headers eval
"$MagasinTest::Token\nContent-Type: multipart/form-data; boundary=BbB"
--- error_code eval
[(200) x 8, (400) x 5, (200) x 4, 400, (200) x 4]
--- response_body eval
[
    (map {qr/"nom":"$_"/} 'un', 'deux","categorie":"Accessoire","prix":"4\.50', 'trois', 'quatre', 'cinq', 'é€😀', 'é€😀'),
    qr/"description":""/,
    map({ MagasinTest::error_body($_) } 'nom blank', 'prix negative', 'nom string', 'prix number', 'nom string'),
    qr/"nom":"é€😀"/, qr/"nom":"six"/, qr/"nom":"six"/, qr/"nom":"six"/,
    MagasinTest::error_body('nom nul'),
    qr/"nom":"sept"/, qr/"nom":"huit"/, qr/"nom":"\xef\xbf\xbd"/,
    qr/"description":"a\\r\\nb"/,
]


=== TEST 26: multipart without its last boundary keeps what came
--- init
MagasinTest::reset();
--- request eval
"PUT /api/v1/products/3/\n--BbB\r\nContent-Disposition: form-data; name=\"nom\"\r\n\r\nx"
--- more_headers eval
qq($MagasinTest::Token\nContent-Type: multipart/form-data; boundary="BbB")
--- response_body_like: ^\{"nom":"x"


=== TEST 27: multipart that cannot be read
--- init
MagasinTest::reset();
--- request eval
[("PUT /api/v1/products/3/\n--BbB\r\nContent-Disposition: form-data; name=\"nom\"\r\n\r\nx\r\n--BbB--\r\n") x 3,
 "PUT /api/v1/products/3/\n" . "--BbB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n" x 1001 . '--BbB--',
 'GET /api/v1/products/3/']
--- more_headers eval
[(map {"$MagasinTest::Token\nContent-Type: multipart/form-data$_"}
    '', '; boundary=', '; charset=utf-8', '; boundary=BbB'), '']
--- error_code eval
[(400) x 4, 200]
--- response_body eval
[($MagasinTest::FormError) x 3,
 qr/^\{"detail":"[^"]+"\}$/, MagasinTest::product_body(%MagasinTest::Product)]


=== TEST 28: content types that name JSON
--- init
MagasinTest::reset();
--- request eval
[map {"PUT /api/v1/products/3/\n" . qq({"nom":"n$_"})} 1 .. 8]
--- more_headers eval
[map {"$MagasinTest::Token\nContent-Type: $_"}
    'application/json', 'Application/JSON', 'application/json; charset=utf-8',
    'application/json;charset="UTF-8"', 'application/json ; x=y', '*/*',
    'application/*', '*/json']
--- error_code eval
[(200) x 8]
--- response_body eval
[map {qr/^\{"nom":"n$_"/} 1 .. 8]


=== TEST 29: and those that name nothing we read
--- init
MagasinTest::reset();
--- request eval
[("PUT /api/v1/products/3/\n" . '{"nom":"x"}') x 12, 'GET /api/v1/products/3/']
--- more_headers eval
[(map {"$MagasinTest::Token\nContent-Type: $_"}
    'text/plain', 'text/json', 'application/vnd.api+json', 'json',
    'application / json', 'application/json, application/json',
    'multipart/mixed', 'Text/Plain; Charset=UTF-8', 'application/', ';', ''),
 $MagasinTest::Token, '']
--- error_code eval
[(415) x 12, 200]
--- response_body eval
[map({qq({"detail":"Type de média «${MagasinTest::NBSP}$_${MagasinTest::NBSP}» non supporté."})}
    'text/plain', 'text/json', 'application/vnd.api+json', 'json',
    'application / json', 'application/json, application/json',
    'multipart/mixed', 'Text/Plain; Charset=UTF-8', 'application/', ';', '', ''),
 MagasinTest::product_body(%MagasinTest::Product)]
--- response_headers eval
[("Allow: GET, PUT, HEAD, OPTIONS\nCache-Control: no-store") x 12, '']


=== TEST 30: without a body the type is of no interest
--- init
MagasinTest::reset();
--- request eval
[('PUT /api/v1/products/3/') x 4, 'PUT /api/v1/products/999/']
--- more_headers eval
[map {"$MagasinTest::Token\n$_"}
    'X: y', "Content-Type: text/plain\nContent-Length: 0",
    "Content-Type: application/json\nContent-Length: 0",
    'Content-Type: multipart/form-data', 'X: y']
--- error_code eval
[(200) x 4, 404]
--- response_body eval
[(MagasinTest::product_body(%MagasinTest::Product)) x 4, qr/introuvable/]


=== TEST 31: charsets
--- init
MagasinTest::reset();
--- request eval
[map({"PUT /api/v1/products/3/\n{\"nom\":\"caf$_\"}"}
    "\xe9", "\xe9", "\xe9", "é", "é", "\xe9")]
--- more_headers eval
[map {"$MagasinTest::Token\nContent-Type: application/json; charset=$_"}
    qw(latin1 ISO-8859-1 "latin-1" utf-8 nothing utf-8)]
--- error_code eval
[(200) x 5, 400]
--- response_body eval
[(qr/"nom":"café"/) x 5, qr/JSON parse error - /]


=== TEST 32: the checks, in their order
--- init
MagasinTest::reset();
--- request eval
[
    "PUT /api/v1/products/999/?format=x\n{",
    "PUT /api/v1/products/999/\n{",
    "PUT /api/v1/products/999/\n{",
    "PUT /api/v1/products/999/\n{",
    "PUT /api/v1/products/999/\n{",
    "PUT /api/v1/products/999/\n" . '{"prix":"x"}',
    "PUT /api/v1/products/999/\n{}",
    "PUT /api/v1/products/99999999999999999999/\n" . '{"nom":"x"}',
]
--- more_headers eval
[
    "Accept: a/b\nContent-Type: a/b",
    "Accept: a/b\nContent-Type: a/b",
    "Content-Type: a/b",
    "Content-Type: a/b\n$MagasinTest::Token",
    ($MagasinTest::Json) x 4,
]
--- error_code eval
[404, 406, 401, 415, 400, 400, 404, 404]
--- response_body eval
[qr/Pas trouvé/, qr/Accept/, qr/Token d'accès/, qr/a\/b/, qr/JSON parse/,
 qr/\{"prix":\[/, qr/ID 999 introuvable/, qr/ID 99999999999999999999 introuvable/]


=== TEST 33: a body in a temporary file, in several pieces
--- config
client_body_buffer_size 128;
location /api/v1/ { magasin; }
--- init
MagasinTest::reset();
--- request eval
[[ "PUT /api/v1/products/3/\n" . '{"description":"' . 'a' x 50,
   map({ { value => 'é' x 300, delay_before => 0.02 } } 1 .. 5), 'b"}' ]]
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[MagasinTest::product_body(%MagasinTest::Product,
    description => '"' . 'a' x 50 . 'é' x 1500 . 'b"')]
--- no_error_log
[error]


=== TEST 34: the same with a form and with multipart
--- config
client_body_buffer_size 64;
location /api/v1/ { magasin; }
--- init
MagasinTest::reset();
--- request eval
[ "PUT /api/v1/products/3/\ndescription=" . 'x' x 5000 . '&nom=f',
  "PUT /api/v1/products/3/\n--BbB\r\nContent-Disposition: form-data; name=description\r\n\r\n"
  . 'y' x 5000 . "\r\n--BbB--\r\n" ]
--- more_headers eval
[$MagasinTest::Form,
 "$MagasinTest::Token\nContent-Type: multipart/form-data; boundary=BbB"]
--- error_code eval
[200, 200]
--- response_body eval
['{"nom":"f","categorie":"Accessoire","prix":"19.99","description":"' . 'x' x 5000 . '"}',
 '{"nom":"f","categorie":"Accessoire","prix":"19.99","description":"' . 'y' x 5000 . '"}']


=== TEST 35: always in a file, also the smallest
--- config
client_body_in_file_only clean;
location /api/v1/ { magasin; }
--- init
MagasinTest::reset();
--- request eval
"PUT /api/v1/products/3/\n" . '{"nom":"x"}'
--- more_headers eval: $MagasinTest::Json
--- response_body_like: ^\{"nom":"x"


=== TEST 36: chunked
--- init
MagasinTest::reset();
--- request eval
["PUT /api/v1/products/3/\n" . "1\r\n{\r\n6\r\n\"nom\":\r\n4\r\n\"x\"}\r\n0\r\n\r\n",
 "PUT /api/v1/products/3/\n" . "0\r\n\r\n",
 "PUT /api/v1/products/3/\n" . sprintf("%x\r\n{\"x\":\"%s\",\"description\":\"z\"}\r\n0\r\n\r\n", 100026, 'z' x 100000),
 "PUT /api/v1/products/3/\n" . "zz\r\n{\r\n0\r\n\r\n"]
--- more_headers eval
"$MagasinTest::Json\nTransfer-Encoding: chunked"
--- error_code eval
[200, 200, 200, 400]
--- response_body eval
[qr/^\{"nom":"x"/, qr/^\{"nom":"x"/, qr/"description":"z"/, qr/^\{"detail":"/]


=== TEST 37: byte by byte
--- init
MagasinTest::reset();
--- raw_request eval
[split //, "PUT /api/v1/products/3/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . "Authorization: Token token-430\r\nContent-Type: application/json\r\n"
    . "Content-Length: 20\r\n\r\n" . '{"nom":"abc","a":12}']
--- raw_request_middle_delay: 0.001
--- response_body_like: ^\{"nom":"abc"


=== TEST 38: a body that stops short changes nothing
--- init
MagasinTest::reset();
--- config
client_body_timeout 200ms;
location /api/v1/ { magasin; }
--- request eval
["PUT /api/v1/products/3/\n" . '{"nom":"x"}', 'GET /api/v1/products/3/']
--- more_headers eval
["$MagasinTest::Json\nContent-Length: 50", '']
--- error_code eval
['', 200]
--- error_code_like eval
[qr/^(?:408)?$/, qr/^200$/]
--- response_body eval
[qr/^(?:\{"detail":"[^"]+"\})?$/, MagasinTest::product_body(%MagasinTest::Product)]


=== TEST 39: a client that leaves in the middle of its body
--- init
MagasinTest::reset();
--- request eval
"PUT /api/v1/products/3/\n" . '{"nom":"x"}'
--- more_headers eval
"$MagasinTest::Json\nContent-Length: 50"
--- timeout: 100ms
--- abort
--- ignore_response
--- no_error_log
[error]


=== TEST 40: a body over the limit is refused before it is sent, in JSON
--- config
lingering_timeout 200ms;
location /api/v1/ { magasin; client_max_body_size 1m; }
--- init
MagasinTest::reset();
--- request eval
["PUT /api/v1/products/3/\n" . '{"nom":"x"}',
 "PUT /api/v1/products/3/\n" . '{"inconnu":"' . 'x' x 1048562 . '"}',
 "PUT /api/v1/products/3/\n" . '{"inconnu":"' . 'x' x 1048563 . '"}']
--- more_headers eval
["$MagasinTest::Json\nContent-Length: 104857600", $MagasinTest::Json, $MagasinTest::Json]
--- error_code eval
[413, 200, 413]
--- response_body eval
['{"detail":"Le corps de la requête est trop volumineux."}',
 qr/^\{"nom":/,
 '{"detail":"Le corps de la requête est trop volumineux."}']
--- response_headers eval
['Content-Type: application/json', '', 'Content-Type: application/json']
--- error_log
client intended to send too large body


=== TEST 41: Expect: 100-continue
--- init
MagasinTest::reset();
--- request eval
"PUT /api/v1/products/3/\n" . '{"nom":"x"}'
--- more_headers eval
"$MagasinTest::Json\nExpect: 100-continue"
--- response_body_like: ^\{"nom":"x"


=== TEST 42: two PUTs and a GET on one connection see each other
--- init
MagasinTest::reset();
--- pipelined_requests eval
["PUT /api/v1/products/3/\n" . '{"nom":"un"}',
 "PUT /api/v1/products/3/\n" . '{"prix":2}', 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[qr/^\{"nom":"un".*"prix":"19\.99"/, qr/^\{"nom":"un".*"prix":"2\.00"/,
 qr/^\{"nom":"un".*"prix":"2\.00"/]


=== TEST 43: an archived one is not there, and is not changed
--- init
MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id = 3');
--- request eval
["PUT /api/v1/products/3/\n{}", "PUT /api/v1/products/3/\n" . '{"prix":"1.00"}',
 "PUT /api/v1/products/3/\n" . '{"prix":-1}', "PUT /api/v1/products/3/\n" . '{"archive":false}',
 "GET /api/v1/products/?archive=true"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[404, 404, 400, 404, 200]
--- response_body eval
my $missing = qr/"message":"Produit avec ID 3 introuvable\.","path":"\/api\/v1\/products\/3\/"/;
[$missing, $missing, MagasinTest::error_body('prix negative'), $missing,
 qr/"id":3,"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19\.99"/]


=== TEST 44: members of PATCH are unknown here, and passed over
--- puts
{"archive":true} ->
{"archive":"oui","nom":"x"} -> nom="x"
{} ->


=== TEST 45: the journal knows who it was
--- init
MagasinTest::reset();
--- request eval
["PUT /api/v1/products/3/\n" . '{"prix":"1.00"}', "GET /api/v1/journal/?ordering=-id&produit=3&limit=1"]
--- more_headers eval: $MagasinTest::Json
--- response_body_like eval
['"prix":"1\.00"', '"type":"produit_modification","magasin":null,"produit":3,"delta":null,"quantite":null,"acteur":"demo","reference":"produit/3","motif":null,"details":\{"prix": ?\["19\.99", ?"1\.00"\]\}\}']


=== TEST 46: an Idempotency-Key is for POST
--- init
MagasinTest::reset();
--- request eval
[map { "PUT /api/v1/products/3/\n" . qq({"prix":"$_.00"}) } 1, 2]
--- more_headers eval
"$MagasinTest::Json\nIdempotency-Key: the same"
--- response_body_like eval
['"prix":"1\.00"', '"prix":"2\.00"']
