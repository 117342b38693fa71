# A tokens file that is refused, whatever is wrong with it: the old tokens
# stay, one worker says so once, /metrics says so for as long, nothing of it
# is shown, and no worker waits for it.

use strict;
use warnings;

use lib 't/inc';
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);
use Test::More;
use Time::HiRes qw(sleep);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;
my $path = "$directory/tokens";
local $ENV{TEST_NGINX_TOKENS} = $path;

sub line {
    my ($id, $secret, $scopes) = @_;
    return join(':', $id, sha256_hex($secret), $scopes // 'produits') . "\n";
}

# tokens(TEXT...): the file, by a rename; mode() gives it another mode
our $mode = 0644;

sub mode {
    (local $mode, my @text) = @_;
    return tokens(@text);
}

sub tokens {
    open my $file, '>', "$directory/new" or die "$directory/new: $!\n";
    print {$file} @_;
    close $file;
    chmod $mode, "$directory/new";
    if (-d $path && !-l $path) { rmdir $path or die "$path: $!\n" }
    rename "$directory/new", $path or die "$path: $!\n";
    return;
}

# in_place(TEXT): the same file, written again
sub in_place {
    open my $file, '+<', $path or die "$path: $!\n";
    print {$file} @_;
    close $file;
    return;
}

my $nginx;

# Whom another process asks may be either worker: each is to know.
sub allowed {
    my ($token, $port) = @_;
    my %seen;
    for (1 .. 12) {
        my ($status) = $nginx->ask("PUT /api/v1/products/3/ HTTP/1.1\r\n"
                . "Host: localhost\r\nConnection: close\r\n"
                . "Authorization: Token $token\r\nContent-Length: 0\r\n\r\n");
        $seen{$status}++;
    }
    return join ' ', sort keys %seen;
}

sub becomes {
    my ($token, $status, $name) = @_;
    my $got;
    # One answer of each look: the other worker may be a second behind.
    MagasinNginx::wait_for(sub { ($got = allowed($token)) eq $status });
    is($got, $status, $name);
    return;
}

sub metric {
    my ($name) = @_;
    my ($status, $answer) = $nginx->get('/metrics');
    return $answer =~ /^\Q$name\E (\S+)$/m ? $1 : 'none';
}

sub told {
    my ($words) = @_;
    return scalar(() = $nginx->log =~ /the tokens stay as they were: $words/g);
}

MagasinTest::reset();
tokens(line('un', 'premier'));

$nginx = MagasinNginx->start(
    workers => 2,
    http    => 'magasin_zone magasin:2m;',
    server  => 'location = /metrics { magasin_metrics; }',
);
is(allowed('premier'), 200, 'the first token');
is(metric('magasin_tokens_file_ok'), 1, 'the metric says that it is right');
is(metric('magasin_tokens_loaded'),  1, 'and how many there are');
cmp_ok(abs(time - metric('magasin_tokens_load_timestamp_seconds')), '<', 60,
    'and since when');

# What it can be instead of a file, and how it can be wrong

my $socket;
my $good = line('un', 'premier');
my %refused = (
    'a wrong line' => [ 'line 2 is not',
        sub { tokens($good, "deux:not-a-digest-but-a-secret:produits\n") } ],
    'a digest too short' => [ 'line 1 is not',
        sub { tokens('deux:' . substr(sha256_hex('x'), 1) . ":produits\n") } ],
    'a digest too long' => [ 'line 1 is not',
        sub { tokens('deux:' . sha256_hex('x') . "0:produits\n") } ],
    'no hex digits' => [ 'line 1 is not',
        sub { tokens('deux:' . 'g' x 64 . ":produits\n") } ],
    'no first scope' => [ 'line 3 has a scope that is unknown or empty',
        sub { tokens("# no\n", $good, line('deux', 'x', ',ventes')) } ],
    'an unknown scope' => [ 'line 1 has a scope that is unknown or empty',
        sub { tokens(line('deux', 'x', 'ventes,produit')) } ],
    'an empty scope' => [ 'line 1 has a scope that is unknown or empty',
        sub { tokens(line('deux', 'x', 'ventes,')) } ],
    'a scope twice' => [ 'line 1 has a scope twice',
        sub { tokens(line('deux', 'x', 'ventes,prix,ventes')) } ],
    'no id' => [ 'line 1 has no id', sub { tokens(line('', 'x')) } ],
    'an id that is not UTF-8' => [ 'line 1 has an id that is not UTF-8',
        sub { tokens(line("\xff", 'x')) } ],
    'a byte order mark' => [ 'line 1 has an id that is not UTF-8, or',
        sub { tokens("\xef\xbb\xbf", line('deux', 'x')) } ],
    'an id too long' => [ 'line 1 has an id of more than 200 bytes',
        sub { tokens(line('x' x 201, 'x')) } ],
    'an id twice' => [ 'line 4 has the id of line 1',
        sub { tokens(line('a', 1), line('b', 2), "\n", line('a', 3)) } ],
    'a token twice' => [ 'line 3 has the token of line 2',
        sub { tokens(line('a', 1), line('b', 2), line('c', 2)) } ],
    'a NUL byte' => [ 'line 2 has a NUL byte',
        sub { tokens($good, "de\0ux:", 'x', "\n") } ],
    'a NUL byte in a comment' => [ 'line 1 has a NUL byte',
        sub { tokens("# \0\n", $good) } ],
    'a control character' => [ 'line 1 has a control character',
        sub { tokens(line("a\tb", 'x')) } ],
    'Windows line ends' => [ 'line 1 ends with CR LF',
        sub { tokens(line('deux', 'x') =~ s/\n/\r\n/r) } ],
    'a file of more than 1 MB' => [ 'the file is larger than 1 MB',
        sub { tokens('#' x (1024 * 1024 + 1)) } ],
    'a group that may write' => [ 'the file can be written by its group',
        sub { mode(0664, line('deux', 'x')) } ],
    'everybody may write' => [ 'the file can be written by its group',
        sub { mode(0646, line('deux', 'x')) } ],
    'no file' => [ 'the file cannot be found', sub { unlink $path } ],
    'a FIFO' => [ 'the file is no regular file',
        sub { unlink $path; POSIX::mkfifo($path, 0600) or die "$!\n" } ],
    'a directory' => [ 'the file is no regular file',
        sub { unlink $path; mkdir $path, 0700 or die "$!\n" } ],
    'a socket' => [ 'the file is no regular file',
        sub {
            unlink $path;
            $socket = IO::Socket::UNIX->new(Local => $path, Listen => 1,
                Type => SOCK_STREAM) or die "$!\n";
        } ],
    'a device' => [ 'the file is no regular file',
        sub { unlink $path; symlink '/dev/zero', $path or die "$!\n" } ],
    'a directory that everybody may write to' => [
        'the file is in a directory that everybody can write to',
        sub { chmod 0777, $directory; tokens(line('deux', 'x')) } ],
);

for my $name (sort keys %refused) {
    my ($words, $make) = @{ $refused{$name} };
    my $before = told($words);

    $make->();
    ok(MagasinNginx::wait_for(sub { told($words) > $before }),
        "$name: it is refused, with the reason") or diag $nginx->log;
    ok(MagasinNginx::wait_for(sub { metric('magasin_tokens_file_ok') eq '0' }),
        "$name: the metric says so");
    # Looked at again by both workers meanwhile, more than once.
    sleep 2.2 if $name =~ /FIFO|wrong line|no file/;
    is(allowed('premier'), 200, "$name: the old token stays");
    is(allowed('x'),       401, "$name: no other has come");
    is(told($words) - $before, 1, "$name: one line");

    chmod 0755, $directory;
    $before = () = $nginx->log =~ /the file of tokens is right again/g;
    tokens($good);
    ok(MagasinNginx::wait_for(sub {
            my $n = () = $nginx->log =~ /the file of tokens is right again/g;
            return $n > $before && metric('magasin_tokens_file_ok') eq '1';
        }), "$name: the right file counts again");
}
unlike($nginx->log, qr/not-a-digest-but-a-secret/, 'nothing of it is shown');

# What is right is taken, however soon it comes

tokens(line('deux', 'second'));
becomes('second',  200, 'a good file: the new token');
becomes('premier', 401, 'a good file: the old one is gone');

{
    # As long, as old, and in the same file: mtime tells nothing of it.
    my $old = (stat $path)[9];
    utime $old - 100, $old - 100, $path;
    sleep 4;
    in_place(line('deux', 'seconX'));
    utime $old - 100, $old - 100, $path;
    becomes('seconX', 200, 'other content with the size and time of before');

    in_place(line('deux', 'wrong!') =~ s/.\n\z/?\n/r);
    in_place(line('deux', 'seconY'));
    becomes('seconY', 200, 'wrong and right within a moment');

    for my $n (1 .. 3) {
        in_place(line('deux', 'wrong!') =~ s/.\n\z/?\n/r);
        ok(MagasinNginx::wait_for(sub {
                metric('magasin_tokens_file_ok') eq '0' }),
            "wrong content, $n");
        in_place(line('deux', "second$n"));
        becomes("second$n", 200, "right content of the same size, $n");
    }
}

SKIP: {
    skip 'needs root', 2 if $> != 0;

    # A file that could not be read is read when it can be: nothing but its
    # directory has changed.
    my $other = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $file, '>', "$other/tokens" or die "$!\n";
    print {$file} line('trois', 'third');
    close $file;
    unlink $path;
    symlink "$other/none", $path;
    ok(MagasinNginx::wait_for(sub { metric('magasin_tokens_file_ok') eq '0' }),
        'a link to nothing');
    rename "$other/tokens", "$other/none";
    becomes('third', 200, 'which is made afterwards');
    unlink $path;
}

# As many as there is room for

{
    my @many = map { line("c$_", "m$_", 'ventes,produits') } 1 .. 10_000;
    tokens(@many);
    is(-s $path < 1024 * 1024, 1, 'ten thousand tokens are under 1 MB');
    becomes('m10000', 200, 'the last one of ten thousand');
    ok(MagasinNginx::wait_for(
        sub { metric('magasin_tokens_loaded') eq '10000' }),
        'all of them count');
    tokens($good);
    becomes('m1', 401, 'and are gone again');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# The token of the demonstration

sub from {
    my ($address, $token, @headers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $address,
        PeerPort => $nginx->{port}, Timeout => 3) or return 'none';
    print {$socket} join "\r\n", 'PUT /api/v1/products/3/ HTTP/1.1',
        'Host: localhost', 'Connection: close', "Authorization: Token $token",
        'Content-Length: 0', @headers, '', '';
    my $answer = do { local $/; <$socket> };
    my ($status) = $answer =~ m{\AHTTP/1\.1 (\d+)};
    return wantarray ? ($status, $answer) : $status;
}

# An address of this machine that is not its loopback.
my ($address) = map {/\binet (\d+\.\d+\.\d+\.\d+)/ ? $1 : ()}
    grep { !/ inet 127\./ } `ip -4 -o address 2>/dev/null`;
my $proxied = "set_real_ip_from 127.0.0.0/8;\n"
    . "real_ip_header X-Forwarded-For;\n";

for my $allowed ('', 'magasin_demonstration on;') {
    my $status = $allowed ? 200 : 401;
    my $name   = $allowed || 'by default';
    my $port   = MagasinNginx::free_port();

    tokens(line('demo', 'token-430'), line('caisse', 'own'));
    $nginx = MagasinNginx->start(
        port => $port, workers => 1,
        listen => ";\nlisten " . ($address // '127.0.0.9') . ":$port",
        server => "$proxied$allowed",
    );
    is(from('127.0.0.1', 'token-430'), 200, "$name: on the loopback");
    is(from('127.0.0.1', 'token-430', 'X-Forwarded-For: 192.0.2.7'), $status,
        "$name: for a proxy's client");
    is(from('127.0.0.1', 'own', 'X-Forwarded-For: 192.0.2.7'), 200,
        "$name: a token of one's own, for a proxy's client");
    SKIP: {
        skip 'there is no other address', 2 unless $address;
        is(from($address, 'token-430'), $status, "$name: on an address");
        is(from($address, 'own'), 200, "$name: a token of one's own there");
    }
    if (!$allowed) {
        my (undef, $answer) = from('127.0.0.1', 'token-430',
            'X-Forwarded-For: 192.0.2.7');
        like($answer, qr/"message":"Le token de démonstration n'est accepté/,
            "$name: the answer says why");
        like($answer, qr/^WWW-Authenticate: Token\r$/m,
            "$name: and asks for another");
    }
    my $refused = qr/token of the demonstration was refused/;
    MagasinNginx::wait_for(sub { $nginx->log =~ $refused }) if !$allowed;
    is(scalar(() = $nginx->log =~ /$refused/g), $allowed ? 0 : 1, "$name: the log tells once");
    ok($nginx->stop, "$name: a graceful stop");
    is($nginx->complaints, '', "$name: nothing alarming in the log");
}

done_testing();
