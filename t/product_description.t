# How long a description may be, whichever way it comes, and what is longer
# already.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use Test::More;
use MagasinNginx;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

MagasinTest::reset();

my $nginx  = MagasinNginx->start(workers => 1);
my $client = HTTP::Tiny->new(timeout => 20, proxy => undef, http_proxy => undef);
my $list   = '/api/v1/products/';
my $one    = "${list}3/";
my $long   = '{"description":["Assurez-vous que ce champ comporte au plus '
    . qq(10000\xc2\xa0caractères."]});

sub ask {
    my ($method, $path, $content, $type) = @_;
    return $client->request($method, "http://127.0.0.1:$nginx->{port}$path", {
        headers => {
            Authorization  => 'Token token-430',
            'Content-Type' => $type || 'application/json',
        },
        defined $content ? (content => $content) : (),
    });
}

# The members in each form that a body can have: [TYPE, TEXT]...
sub bodies {
    my (%member) = @_;
    my @names = sort keys %member;
    return (
        [   'application/json',
            '{' . join(',', map {qq("$_":"$member{$_}")} @names) . '}'
        ],
        [   'application/x-www-form-urlencoded',
            join '&', map { "$_="
                    . $member{$_} =~ s/([^\w])/sprintf '%%%02X', ord $1/ger }
                @names
        ],
        [   'multipart/form-data; boundary=B',
            join('', map { "--B\r\nContent-Disposition: form-data; name=\"$_\""
                        . "\r\n\r\n$member{$_}\r\n" } @names) . "--B--\r\n"
        ],
    );
}

sub stored {
    my ($id) = @_;
    return MagasinTest::sql(
        "SELECT char_length(description) FROM produit WHERE id = $id");
}

my %smile = ('é' => 'é', 'smile' => "\xf0\x9f\x98\x80");

for my $name (sort keys %smile) {
    for my $body (bodies(nom => 'n', categorie => 'c', prix => '1',
            description => " $smile{$name}" . $smile{$name} x 9999 . ' '))
    {
        my ($type, $text) = @{$body};
        my $answer = ask(POST => $list, $text, $type);
        is($answer->{status}, 201, "POST: 10000 of $name, $type");
        my ($id) = $answer->{headers}{location} =~ m{(\d+)/\z};
        is(stored($id), 10_000, 'and all of them are there');
        is(ask($_, $one, $text, $type)->{status}, 200, "$_: the same")
            for qw(PUT PATCH);
        is(stored(3), 10_000, 'and they are there');
    }
    for my $body (bodies(nom => 'n', categorie => 'c', prix => '1',
            description => $smile{$name} x 10_001))
    {
        my ($type, $text) = @{$body};
        for ([ POST => $list ], [ PUT => $one ], [ PATCH => $one ]) {
            my $answer = ask(@{$_}, $text, $type);
            is("$answer->{status} $answer->{content}", "400 $long",
                "$_->[0]: 10001 of $name, $type");
        }
    }
}

# What is longer already

sub by_hand {
    my (@statements) = @_;
    return MagasinTest::sql(
        'ALTER TABLE produit DISABLE TRIGGER produit_description_changee',
        @statements,
        'ALTER TABLE produit ENABLE ALWAYS TRIGGER produit_description_changee');
}

by_hand(q{UPDATE produit SET description = repeat('é', 20000) WHERE id = 3});

for my $change ('{"prix":"3.50"}', '{"nom":"Autre nom"}', '{"categorie":"c2"}')
{
    for my $method (qw(PUT PATCH)) {
        my $answer = ask($method, $one, $change);
        is($answer->{status}, 200, "$method $change of a longer one");
        is(length $answer->{content} =~ s/.*"description":"(.*)"\}\z/$1/sr,
            40_000, 'and it is kept and shown');
    }
}
is(ask(PATCH => $one, '{"archive":true}')->{status}, 200, 'archive it');
is(ask(PATCH => $one, '{"archive":false}')->{status}, 200, 'and back');
is(stored(3), 20_000, 'as it was');

# Behind the API

sub refused {
    my ($statement) = @_;
    return !eval { MagasinTest::sql($statement); 1 };
}

ok(refused(q{UPDATE produit SET description = description || 'x' WHERE id = 3}),
    'the database refuses to make it longer');
ok(refused(q{UPDATE produit SET description = repeat('é', 10001) WHERE id = 4}),
    'and another one too long');
ok(refused(q{INSERT INTO produit (nom, categorie, prix, description)
        VALUES ('n', 'c', 1, repeat('é', 10001))}), 'and a new one');
ok(!refused(q{UPDATE produit SET nom = 'm', description = description
        WHERE id = 3}), 'it takes the same again');
ok(!refused(q{UPDATE produit SET description = repeat('é', 10000)
        WHERE id = 3}), 'and 10000');

$nginx->stop;
is($nginx->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
