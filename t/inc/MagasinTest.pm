package MagasinTest;

# What the suites share: the database (reset it, run SQL in it), the default
# configuration of a block, and a short way to write many PUTs.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

our $Top = abs_path(dirname(__FILE__) . '/../..');

# Headers of a PUT that may write.
our $Token = 'Authorization: Token token-430';
our $Json  = "$Token\nContent-Type: application/json";
our $Form  = "$Token\nContent-Type: application/x-www-form-urlencoded";

our $NBSP = "\xc2\xa0";

# The sentences of the reference, by short names.
our %Messages = (
    null      => 'Ce champ ne peut être nul.',
    blank     => 'Ce champ ne peut être vide.',
    string    => 'Not a valid string.',
    long      => "Assurez-vous que ce champ comporte au plus 100${NBSP}caractères.",
    nul       => 'Le caractère nul n’est pas autorisé.',
    number    => 'Un nombre valide est requis.',
    toolong   => 'Chaîne de caractères trop longue.',
    digits    => "Assurez-vous qu'il n'y a pas plus de 10${NBSP}chiffres au total.",
    fraction  => "Assurez-vous qu'il n'y a pas plus de 2${NBSP}chiffres après la virgule.",
    whole     => "Assurez-vous qu'il n'y a pas plus de 8 chiffres avant la virgule.",
    negative  => 'Assurez-vous que cette valeur est supérieure ou égale à 0.',
);

# Bodies that cannot be read: the words after the dash are the parser's own.
our ($ParseError, $FormError)
    = map {qr/\A\{"detail":"$_ parse error - (?:[^"\\]|\\.)+"\}\z/s}
    'JSON', 'Multipart form';

# The database

sub admin {
    return $ENV{TEST_NGINX_ADMIN_DATABASE}
        || die "TEST_NGINX_ADMIN_DATABASE is not set (make test)\n";
}

sub psql {
    my (@arguments) = @_;

    local $ENV{PGOPTIONS} = '-c client_min_messages=warning';

    my @command = (qw(psql -X -q -A -t -v ON_ERROR_STOP=1 -d), admin(),
        @arguments);

    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec @command }
        require POSIX;
        POSIX::_exit(127);
    }
    binmode $pipe;

    my $text = do { local $/; <$pipe> };
    $text = '' unless defined $text;
    close $pipe or die "psql: $text\n";

    chomp $text;
    return $text;
}

# sql(STATEMENT...): all in one transaction; returns the rows as text.
sub sql {
    my (@statements) = @_;
    return psql('--single-transaction', map { ('-c', $_) } @statements);
}

# The tables as t/fixture.sql has them, and then the statements.
sub reset {
    my (@statements) = @_;
    return psql('--single-transaction', '-f', "$Top/t/fixture.sql",
        map { ('-c', $_) } @statements);
}

# hold(STATEMENT...): runs them in a session that stays open, with its
# transaction, until release() is called with what this returns.
sub hold {
    my (@statements) = @_;

    my $pid = open(my $pipe, '|-') // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        { no warnings 'exec'; exec qw(psql -X -q -d), admin() }
        require POSIX;
        POSIX::_exit(127);
    }

    my $mark = "held-$$-" . int(rand 1e9);
    my $old  = select $pipe;
    $| = 1;
    select $old;
    print {$pipe} "BEGIN; SET LOCAL application_name = '$mark';\n",
        (map {"$_;\n"} @statements),
        "SET LOCAL application_name = '$mark-done';\n";

    for (1 .. 500) {
        return $pipe
            if sql("SELECT count(*) FROM pg_stat_activity"
                . " WHERE application_name = '$mark-done'") eq '1';
        select undef, undef, undef, 0.02;
    }
    die "the statements to hold are not done\n";
}

sub release {
    my ($pipe) = @_;
    print {$pipe} "ROLLBACK;\n";
    close $pipe;
    return;
}

# Configuration

# Quoted, so that it can stand in nginx.conf.
sub database_directive {
    my (@options) = @_;
    return join(' ', 'magasin_database "$TEST_NGINX_DATABASE"', @options)
        . ';';
}

# http_config and config for blocks that have none.  Options of
# magasin_database for the whole suite may be given.
sub defaults {
    my (@options) = @_;

    Test::Nginx::Socket::add_block_preprocessor(sub {
        my ($block) = @_;

        $block->set_value('http_config',
            database_directive(@options)
                . ' magasin_tokens $TEST_NGINX_TOKENS;')
            unless defined scalar $block->http_config;

        $block->set_value('config', <<'CONFIG')
merge_slashes off;
magasin_json_errors on;
location /api/v1/ { magasin; }
location = /healthz { magasin; }
location = /readyz { magasin; }
location / { return 404; }
CONFIG
            unless defined scalar $block->config;

        return;
    });
    return;
}

# `--- gets` is a table of requests without a body, each on a line:
#
#     /uri -> 200 BODY              this body
#     HEAD /uri -> 200              any body
#     /uri -> 400 ~PATTERN          a body that matches
#
# where "·" in a body stands for a no-break space.
sub gets {
    Test::Nginx::Socket::add_block_preprocessor(sub {
        my ($block) = @_;

        my $table = $block->gets;
        return unless defined $table;

        my (@requests, @codes, @bodies);

        for my $line (grep {/\S/} split /\n/, $table) {
            my ($request, $code, $body)
                = $line =~ /^(.*?)\s+->\s+(\d{3})\s*(.*?)\s*$/
                or die "bad line in gets: $line\n";

            $request = "GET $request" if $request =~ m{^/};
            $body =~ s/\xc2\xb7/$NBSP/g;

            push @requests, $request;
            push @codes,    $code;
            push @bodies,
                  $request =~ /^HEAD / ? ''
                : $body eq ''          ? qr/\A.*\z/s
                : $body =~ s/^~//      ? qr/$body/s
                :                        $body;
        }

        $block->set_value('request',       \@requests);
        $block->set_value('error_code',    \@codes);
        $block->set_value('response_body', \@bodies);
        return;
    });
    return;
}

# `--- puts` is a table of PUTs of one product, each on a line:
#
#     BODY -> prix number, nom long nul        400 with these messages
#     BODY -> prix="1.00"                      200 with these fields changed
#     BODY ->                                  200 with nothing changed
#     BODY -> 415                              this status, body not looked at
#
# The block starts from the fixture, and every 200 must show all that was
# changed before and nothing else.  `--- more_headers` and `--- target` are
# for all of them; without a `more_headers` the bodies are JSON.
our %Product = (
    nom         => '"Tapis de souris XL"',
    categorie   => '"Accessoire"',
    prix        => '"19.99"',
    description => '"Surface antidérapante et étendue"',
);
my @fields = qw(nom categorie prix description);

sub product_body {
    my (%field) = @_;
    return '{' . join(',', map {qq("$_":$field{$_})} @fields) . '}';
}

sub error_body {
    my (@errors) = @_;

    my @members;
    for my $error (@errors) {
        my ($name, @keys) = split ' ', $error;
        push @members, qq("$name":[) . join(',', map {
            my $text = /^U\+/
                ? "Surrogate characters are not allowed: $_."
                : $Messages{$_} // die "no message $_\n";
            qq("$text");
        } @keys) . ']';
    }
    return '{' . join(',', @members) . '}';
}

sub puts {
    Test::Nginx::Socket::add_block_preprocessor(sub {
        my ($block) = @_;

        my $table = $block->puts;
        return unless defined $table;

        my (@requests, @codes, @bodies);
        my %state  = %Product;
        my $target = $block->target // '/api/v1/products/3/';
        $target =~ s/\s+\z//;

        for my $line (grep {/\S/} split /\n/, $table) {
            my ($body, $expected) = $line =~ /^(.*?)\s*->\s*(.*?)\s*$/
                or die "bad line in puts: $line\n";

            push @requests, $body eq '' ? "PUT $target"
                                        : "PUT $target\n$body";

            if ($expected =~ /^\d{3}$/) {
                push @codes,  $expected;
                push @bodies, qr/\A\{.*\}\z/s;

            } elsif ($expected eq '' || $expected =~ /^\w+=/) {
                while ($expected =~ /\G(\w+)=("(?:[^"\\]|\\.)*"|null)\s*/gc) {
                    $state{$1} = $2;
                }
                die "bad expectation: $line\n"
                    if ($expected ne '' && (pos $expected || 0)
                        != length $expected);
                push @codes,  200;
                push @bodies, product_body(%state);

            } else {
                push @codes,  400;
                push @bodies, error_body(split /\s*,\s*/, $expected);
            }
        }

        $block->set_value('request',       \@requests);
        $block->set_value('error_code',    \@codes);
        $block->set_value('response_body', \@bodies);
        $block->set_value('more_headers',  $Json)
            unless defined scalar $block->more_headers;
        $block->set_value('init', 'MagasinTest::reset();')
            unless defined scalar $block->init;
        return;
    });
    return;
}

1;
