package Suite;

# Runs a small suite in a process of its own, away from the outer one's port,
# server root and environment.

use strict;
use warnings;

use Exporter qw(import);
use File::Spec ();
use File::Temp qw(tempdir);
use FindBin ();
use Test::More;

our @EXPORT = qw(run_suite passes fails config free_port);

my $dir = tempdir(CLEANUP => 1);
my $lib = File::Spec->rel2abs("$FindBin::Bin/../lib");
my $seq = 0;

chmod 0755, $dir;

sub free_port {
    require IO::Socket::INET;
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        ->sockport;
}

# ENV items begin with TEST_NGINX_; "prologue" replaces the usual head.

sub run_suite {
    my ($blocks, %arg) = @_;

    my $path = sprintf '%s/%03d.t', $dir, ++$seq;
    my $head = $arg{head}
        || "use Test::Nginx::Socket 'no_plan';\nno_shuffle();\n"
        . ($arg{setup} || '');

    open my $file, '>', $path or die "$path: $!";
    print {$file} $head, "run_tests();\n", $arg{after} || '',
        "__DATA__\n", $blocks;
    close $file;

    local %ENV = %ENV;
    for my $name (grep {/^TEST_NGINX_/} keys %ENV) {
        delete $ENV{$name} unless $name eq 'TEST_NGINX_BINARY';
    }
    delete @ENV{qw(HARNESS_ACTIVE HARNESS_VERSION)};

    $ENV{TEST_NGINX_PORT}      = free_port();
    $ENV{TEST_NGINX_SERVROOT}  = "$dir/servroot";
    $ENV{TEST_NGINX_LOG_LEVEL} = 'info';
    $ENV{TEST_NGINX_TIMEOUT}   = 3;
    $ENV{ "TEST_NGINX_" . uc $_ } = $arg{env}{$_} for keys %{ $arg{env} };

    my $out = `'$^X' '-I$lib' '$path' 2>&1`;

    return {
        status => $? >> 8,
        signal => $? & 127,
        out    => $out,
        dir    => $dir,
        ok     => scalar(() = $out =~ /^ok /mg),
        not_ok => scalar(() = $out =~ /^not ok /mg),
    };
}

sub passes {
    my ($name, $blocks, %arg) = @_;

    my $run = run_suite($blocks, %arg);
    my $ok  = ok(!$run->{status} && !$run->{signal} && !$run->{not_ok},
        "passes: $name");
    $ok &&= is($run->{ok}, $arg{count}, "$name: number of tests")
        if defined $arg{count};
    diag($run->{out}) unless $ok;
    return $run;
}

# "why" must be in the output, and "not_ok" tests must have failed, 1 unless
# told otherwise.

sub fails {
    my ($name, $blocks, %arg) = @_;

    my $run    = run_suite($blocks, %arg);
    my $not_ok = defined $arg{not_ok} ? $arg{not_ok} : 1;
    my $ok = ok($run->{status} != 0, "fails: $name");

    $ok = is($run->{not_ok}, $not_ok, "$name: failed tests") && $ok;
    $ok = like($run->{out}, $arg{why}, "$name: why") && $ok if $arg{why};
    diag($run->{out}) unless $ok;
    return $run;
}

# A block: the usual location and request, then what is given.

sub config {
    my (@sections) = @_;

    return join "\n", '=== TEST: block', '--- config',
        'location = /t { return 200 "hello\n"; }',
        'location = /e { return 500 "sorry\n"; }',
        'location = /h { add_header X-Foo bar; return 200 "hi"; }',
        '--- request', 'GET /t', @sections, '';
}

1;
