package MagasinTest;

# Common parts of the suites: the database (reset it, run SQL in it), the
# default configuration of a block, and a short notation for many PUTs.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use Exporter qw(import);
use File::Temp qw(tempdir tempfile);
use IPC::Open3 qw(open3);

our @EXPORT_OK = qw(script quoted);

our $Top = abs_path(dirname(__FILE__) . '/../..');

# The fixture locks the tables while a node that has just started prepares its
# statements.  It does so again when they are asked for.
{
    no warnings 'once';
    push @Test::Nginx::Util::ExpectedErrors,
        qr/cannot prepare a statement: canceling statement due to lock timeout/;
}

# Headers of a PUT that is authorised to write.
our $Token = 'Authorization: Token token-430';
our $Json  = "$Token\nContent-Type: application/json";
our $Form  = "$Token\nContent-Type: application/x-www-form-urlencoded";

our $NBSP = "\xc2\xa0";

# The messages of the reference, by short names.
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
    text200   => "Assurez-vous que ce champ comporte au plus 200${NBSP}caractères.",
    required  => 'Ce champ est obligatoire.',
    unknown   => 'Champ inconnu.',
    integer   => 'Un nombre entier valide est requis.',
    zero      => 'Cette valeur ne peut être 0.',
    both      => 'Ce champ exclut « quantite » et « attendu ».',
    list      => "Attendait une liste d'éléments.",
    empty     => 'Cette liste ne peut pas être vide.',
    many      => "Assurez-vous que cette liste n'a pas plus de 1000 éléments.",
    object    => 'Donnée non valide. Attendait un dictionnaire.',
    instant   => 'La date doit être au format AAAA-MM-JJ ou AAAA-MM-JJThh:mm:ss+hh:mm (RFC 3339).',
    choice    => "Ce choix n'est pas valide.",
    cursor    => 'Curseur non valide.',
);

# product_etag(NOM, CATEGORIE, PRIX, DESCRIPTION): the entity tag of a product;
# an undefined description is null.  The texts are bytes.
sub product_etag {
    return '"'
        . md5_hex(join '', map { defined $_ ? length($_) . ":$_" : '-' } @_)
        . '"';
}

# The messages with a number: min1, max1000, key99.
our %Numbered = (
    min => 'Assurez-vous que cette valeur est supérieure ou égale à %s.',
    max => 'Assurez-vous que cette valeur est inférieure ou égale à %s.',
    key => "Clé primaire «${NBSP}%s${NBSP}» non valide - l'objet n'existe pas.",
);

sub message {
    my ($key) = @_;
    return "Surrogate characters are not allowed: $key." if $key =~ /^U\+/;
    return $Messages{$key} if defined $Messages{$key};
    my ($word, $number) = $key =~ /^([a-z]+)(-?\d+)$/;
    die "no message $key\n" unless defined $word && $Numbered{$word};
    return sprintf $Numbered{$word}, $number;
}

# Bodies that cannot be parsed.  The text after the dash is from the parser.
our ($ParseError, $FormError)
    = map {qr/\A\{"detail":"$_ parse error - (?:[^"\\]|\\.)+"\}\z/s}
    'JSON', 'Multipart form';

# The database

my %Sessions;

sub admin {
    return $ENV{TEST_NGINX_ADMIN_DATABASE}
        || die "TEST_NGINX_ADMIN_DATABASE is not set (make test)\n";
}

# psql(ARGUMENT...): what a psql of its own prints.
sub psql {
    my (@arguments) = @_;

    # It may drop the database of the sessions below.
    end_session($_) for keys %Sessions;

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
    return transaction(@statements);
}

sub session {
    my ($admin) = @_;

    local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
    my $pid = open3(my $in, my $out, undef,
        qw(psql -X -q -A -t -v ON_ERROR_STOP=1 -d), $admin);
    binmode $_ for $in, $out;
    my $old = select $in;
    $| = 1;
    select $old;
    return $Sessions{$admin}
        = { owner => $$, pid => $pid, in => $in, out => $out };
}

sub end_session {
    my ($admin) = @_;
    my $session = delete $Sessions{$admin};

    # A process that was forked since has the same pipes.
    return if $session->{owner} != $$;

    local ($?, $!);
    local $SIG{PIPE} = 'IGNORE';
    print { $session->{in} } "\\q\n";
    close $session->{in};
    close $session->{out};
    waitpid $session->{pid}, 0;
    return;
}

# said(SESSION, TEXT): what psql prints of the text, and whether it came to the
# end of it.  What it prints of statements is on its way before it warns.
sub said {
    my ($session, $text) = @_;

    my $mark = "done-$$-" . ++$session->{marks};
    # As arguments of a program are.
    utf8::encode($text) if utf8::is_utf8($text);
    local $SIG{PIPE} = 'IGNORE';
    print { $session->{in} } "$text\n\\warn $mark\n";

    my ($said, $done) = ('', 0);
    while (!$done && defined(my $line = readline $session->{out})) {
        $done = $line eq "$mark\n";
        $said .= $line =~ s/^psql:<stdin>:\d+: //r if !$done;
    }
    return ($said, $done);
}

# To start psql and a session of PostgreSQL takes a hundred times as long as
# most statements.  So there is one for each database, which is as a new one for
# each call.

sub transaction { return talk('BEGIN;', @_, 'COMMIT') }

# statements(STATEMENT...): each is a transaction of its own.
sub statements { return talk("BEGIN;\nCOMMIT;", @_) }

# talk(BEGIN, STATEMENT...): the first finds whether the server is there.
sub talk {
    my ($begin, @statements) = @_;

    my $admin = admin();
    end_session($admin)
        if $Sessions{$admin} && $Sessions{$admin}{owner} != $$;
    my $kept    = $Sessions{$admin};
    my $session = $kept // session($admin);

    my ($text, $done) = said($session, $begin);

    # The server was stopped meanwhile.
    if (!$done && $kept) {
        end_session($admin);
        $session = session($admin);
        ($text, $done) = said($session, $begin);
    }
    ($text, $done) = said($session, join "\n;\n", @statements,
        'DISCARD ALL', '') if $done;
    if (!$done) {
        end_session($admin);
        die "psql: $text\n";
    }

    chomp $text;
    return $text;
}

END {
    end_session($_) for keys %Sessions;
}

# script(TEXT): what psql prints of it, errors included, after which it goes on.
sub script {
    my ($text) = @_;
    my $admin = admin();
    my ($file, $name) = tempfile(UNLINK => 1);
    binmode $file;
    print {$file} "\\set VERBOSITY terse\n", $text;
    close $file;
    local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
    my $output = `psql -X -q -A -t -d '$admin' -f '$name' 2>&1`;
    $output =~ s/^psql:\S+ //mg;
    return $output;
}

# quoted(VALUE, TYPE): a literal; TYPE, if given, follows it, as '::text'.
sub quoted {
    my ($value, $type) = @_;
    return 'NULL' . ($type // '') if !defined $value;
    $value =~ s/'/''/g;
    return "'$value'" . ($type // '');
}

my $Fixture = do {
    open my $file, '<:raw', "$Top/t/fixture.sql" or die "fixture.sql: $!\n";
    local $/;
    <$file>;
};

# Restore the tables of t/fixture.sql, then run the statements.
sub reset {
    my (@statements) = @_;
    return transaction($Fixture, @statements);
}

# hold(STATEMENT...): runs them in a session that keeps its transaction open
# until release() is called with the returned value.
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

    for (1 .. 3000) {
        return $pipe
            if sql("SELECT count(*) FROM pg_stat_activity"
                . " WHERE application_name = '$mark-done'") eq '1';
        select undef, undef, undef, 0.02;
    }
    die "the statements to hold are not done\n";
}

# Quits by a command: processes that were started since hold the pipe open.
sub release {
    my ($pipe, $end) = @_;
    print {$pipe} $end // 'ROLLBACK', ";\n\\q\n";
    close $pipe;
    return;
}

# Gates for the rows of these tables: while hold_reads() holds a gate,
# statements of the workers that read rows of the table wait, until their own
# timeout.  A lock is not suitable, because the wait for a lock is short.
my %Gates;

sub gates {
    my (@tables) = @_;
    %Gates = map { $tables[$_] => 4711 + $_ } 0 .. $#tables;
    return sql(
        'CREATE OR REPLACE FUNCTION t_gate(gate bigint) RETURNS boolean'
            . ' LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 AS $$'
            . ' BEGIN PERFORM pg_advisory_xact_lock_shared(gate);'
            . ' RETURN true; END $$',
        map {
            ("DROP POLICY IF EXISTS t_gate ON $_",
                "CREATE POLICY t_gate ON $_ USING (t_gate($Gates{$_}))",
                "ALTER TABLE $_ ENABLE ROW LEVEL SECURITY")
        } @tables);
}

# hold_reads(TABLE): holds until release() is called with the returned value.
sub hold_reads {
    my ($table) = @_;
    return hold("SELECT pg_advisory_xact_lock($Gates{$table})");
}

sub no_gates {
    my @statements = map {
        ("DROP POLICY IF EXISTS t_gate ON $_",
            "ALTER TABLE $_ DISABLE ROW LEVEL SECURITY")
    } keys %Gates;
    %Gates = ();
    return sql(@statements, 'DROP FUNCTION IF EXISTS t_gate(bigint)');
}

END {
    my $status = $?;
    no_gates() if %Gates;
    $? = $status;
}

# Blocks

# each_block(SUB): calls SUB with each block before it runs, in the order of the
# calls of each_block().  The library itself would run the last one first.
my @each_block;

sub each_block {
    my ($code) = @_;

    unless (@each_block) {
        require MagasinBlocks;
        Test::Nginx::Socket::add_block_preprocessor(sub {
            my ($block) = @_;
            $_->($block) for @each_block;
            MagasinBlocks::standard($block);
            return;
        });
    }
    push @each_block, $code;
    return;
}

# Configuration

# With TEST_NGINX_CACHE=1 each suite has a zone, and so the cache.  Each block
# has its own zone, because nothing invalidates changes made by hand
# immediately.
my $zones = 0;

sub zone_directive {
    return '' unless $ENV{TEST_NGINX_CACHE};
    $zones++;
    return "magasin_zone test$zones:8m; ";
}

# Quoted, so that it can be used in nginx.conf.
sub database_directive {
    my (@options) = @_;
    return zone_directive()
        . join(' ', 'magasin_database "$TEST_NGINX_DATABASE"', @options)
        . ';';
}

# Sets http_config and config of blocks that have none.  The options are those
# of magasin_database, for the whole suite.
sub defaults {
    my (@options) = @_;

    each_block(sub {
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

# `--- gets` is a table of requests without a body, one per line:
#
#     /uri -> 200 BODY              this body
#     HEAD /uri -> 200              any body
#     /uri -> 400 ~PATTERN          a body that matches
#
# where "·" in a body stands for a no-break space.
sub gets {
    each_block(sub {
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

# `--- puts` is a table of PUTs of one product, one per line:
#
#     BODY -> prix number, nom long nul        400 with these messages
#     BODY -> prix="1.00"                      200 with these fields changed
#     BODY ->                                  200 with nothing changed
#     BODY -> 415                              this status, body not looked at
#
# The block starts from the fixture.  Each 200 must show all earlier changes and
# nothing else.  `--- more_headers` and `--- target` apply to all of them.
# Without `more_headers` the bodies are JSON.
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
        push @members, qq("$name":[)
            . join(',', map { '"' . message($_) . '"' } @keys) . ']';
    }
    return '{' . join(',', @members) . '}';
}

sub puts {
    each_block(sub {
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

# Timestamps differ in each run.
sub timeless {
    my ($body) = @_;
    $body =~ s/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z"/"T"/g;
    return $body;
}

# `--- calls` is a table of requests of any kind, one per line:
#
#     POST /uri {"a":1} -> 201 BODY
#     POST /uri {"a":1} -> 400 !quantite min1, truc unknown
#     GET /uri -> 404 Vente avec ID 9 introuvable.
#
# with the bodies of `gets`, fields with their messages after "!", and for 401
# and 404 of a resource only the message.  A timestamp in an answer is compared
# as "T".  The block starts from the fixture unless it has an `init`.  Without
# `more_headers` the bodies are JSON with the demonstration token.
sub calls {
    my (%option) = @_;

    each_block(sub {
        my ($block) = @_;

        my $table = $block->calls;
        return unless defined $table;

        my (@requests, @codes, @bodies);

        for my $line (grep {/\S/} split /\n/, $table) {
            my ($method, $uri, $sent, $code, $body)
                = $line =~ /^(\S+)\s+(\S+)\s*(.*?)\s+->\s+(\d{3})\s*(.*?)\s*$/
                or die "bad line in calls: $line\n";

            $body =~ s/\xc2\xb7/$NBSP/g;
            my ($path) = $uri =~ /^([^?]*)/;

            push @requests, $sent eq '' ? "$method $uri"
                                        : "$method $uri\n$sent";
            push @codes,  $code;
            push @bodies,
                  $method eq 'HEAD'    ? ''
                : $body eq ''          ? qr/\A.*\z/s
                : $body =~ s/^~//      ? qr/$body/s
                : $body =~ s/^!\s*//   ? error_body(split /\s*,\s*/, $body)
                : $code =~ /^40[14]$/ && $body !~ /^\{/
                ? qq({"timestamp":"T","status":$code,"error":")
                    . ($code == 401 ? 'Unauthorized' : 'Not Found')
                    . qq(","message":"$body","path":"$path"})
                :                        $body;
        }

        my $more = $option{more_headers} // $Json;

        $block->set_value('request',       \@requests);
        $block->set_value('error_code',    \@codes);
        $block->set_value('response_body', \@bodies);
        $block->set_value('more_headers',  $more)
            unless defined scalar $block->more_headers;
        $block->set_value('response_body_filters', [ \&timeless ])
            unless defined scalar $block->response_body_filters;
        $block->set_value('init', 'MagasinTest::reset();')
            unless defined scalar $block->init;
        return;
    });
    return;
}

# One checksum of everything that a write may change.  For the totals of reports
# it includes only what does not depend on the window of the week.
sub checksum {
    return sql('SELECT ' . join ' || ', map {
        "(SELECT '$_' || coalesce(md5(string_agg(t::text, ' '"
            . " ORDER BY t::text)), '') FROM $_ t)"
    } qw(magasin produit stock_local stock_central vente ligne_vente
        demande_reapprovisionnement reception reception_ligne transfert
        transfert_ligne retour retour_ligne reservation reservation_ligne comptage
        comptage_ligne produit_code seuil seuil_categorie journal
        idempotence),
        '(SELECT magasin_id, produit_id, quantite, total FROM cumul_vente)');
}

# `--- database` is a table of results of statements, which run when all
# requests of the block have their answers, one per line:
#
#     SELECT count(*) FROM vente -> 6
#
# where a single "_" is an empty result.  A block with `--- unchanged` must
# leave each table as it was after its `init`.
our $Before;

sub databases {
    each_block(sub {
        my ($block) = @_;
        return unless defined scalar $block->unchanged;
        $block->set_value('init', ($block->init // 'MagasinTest::reset();')
            . "\n;\$MagasinTest::Before = MagasinTest::checksum();");
        return;
    });

    Test::Nginx::Socket::add_response_body_check(sub {
        my ($block, $body, $i) = @_;

        my $request = $block->request;
        return if ref $request eq 'ARRAY' && $i < $#$request;

        my $name = $block->name;
        Test::More::is(checksum(), $Before, "$name - unchanged")
            if defined scalar $block->unchanged;

        my $table = $block->database // '';
        for my $line (grep {/\S/} split /\n/, $table) {
            my ($statement, $result) = $line =~ /^(.*?)\s+->\s+(.*?)\s*$/
                or die "bad line in database: $line\n";
            $result =~ s/\xc2\xb7/$NBSP/g;
            $result = '' if $result eq '_';
            Test::More::is(join(' ', split /\n/, sql($statement)), $result,
                "$name - $statement");
        }
        return;
    });
    return;
}

# Tokens of one suite: tokens(ID => SCOPES, ...) returns the file, in which the
# token of ID is "secret-ID"; as(ID) returns the headers.
sub tokens {
    my (%scopes) = @_;

    my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $directory;

    open my $file, '>', "$directory/tokens" or die "$directory/tokens: $!\n";
    print {$file} join(':', $_, sha256_hex("secret-$_"), $scopes{$_}), "\n"
        for sort keys %scopes;
    close $file;
    chmod 0644, "$directory/tokens";

    return "$directory/tokens";
}

sub as {
    my ($id, @headers) = @_;
    return join "\n", "Authorization: Token secret-$id",
        'Content-Type: application/json', @headers;
}

1;
