package MagasinCache;

# An nginx with the cache, a client for each of its workers, and a server that
# gives the same answers without the cache, for comparison.

use strict;
use warnings;

use parent -norequire, 'MagasinNginx';

use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use MagasinNginx;
use MagasinTest;

our $Token = 'Token token-430';

# start(zone => '8m', cache => 'directives', and the options of MagasinNginx)
sub start {
    my ($class, %option) = @_;

    my $zone  = delete $option{zone} || '8m';
    my $cache = delete $option{cache} || '';
    my $port  = MagasinNginx::free_port();

    # Both servers use the same name, so that links in answers are the same.

    $option{port} = $port;
    $option{http} = join "\n", $option{http} // '', "magasin_zone test:$zone;",
        'magasin_cache_header on; add_header X-Worker $pid always;', $cache, "server {",
        "listen 127.0.0.2:$port;",
        'location /api/v1/ { magasin; magasin_cache off; }', '}';

    my $self = $class->SUPER::start(%option);
    $self->{tiny} = client();

    return $self;
}

sub client {
    return HTTP::Tiny->new(
        timeout      => $MagasinNginx::Patience,
        max_redirect => 0,
        proxy        => undef,
        http_proxy   => undef,
    );
}

# Persistent connections, one to each worker.
sub clients {
    my ($self) = @_;

    my %workers = map { $_ => 1 } $self->workers;
    my %clients;
    my $end = time + $MagasinNginx::Patience;

    while (time < $end) {
        my $client = client();
        my $answer = $self->request($client, '/healthz');
        my $pid    = $answer->{headers}{'x-worker'};
        $clients{$pid} = $client if $pid && $workers{$pid};
        return map { $clients{$_} } sort { $a <=> $b } keys %clients
            if keys %clients == keys %workers;
    }
    die "not every worker answers\n";
}

# request(CLIENT, PATH, method =>, headers => {}, content => TEXT): returns the
# response of HTTP::Tiny with `state`, the state of the cache.  Methods other
# than GET and HEAD use the demonstration token, and their content is JSON.
sub request {
    my ($self, $client, $path, %option) = @_;

    my $method  = $option{method} || 'GET';
    my %headers = %{ $option{headers} || {} };

    if ($method !~ /^(?:GET|HEAD)$/) {
        $headers{Authorization} //= $Token;
        $headers{'Content-Type'} //= 'application/json'
            if defined $option{content};
    }

    my $answer = $client->request($method,
        "http://127.0.0.1:$self->{port}$path",
        {   headers => \%headers,
            peer    => $option{peer},
            defined $option{content} ? (content => $option{content}) : (),
        });

    $answer->{state} = $answer->{headers}{'x-magasin-cache'} // '';
    return $answer;
}

# fetch(PATH, ...): a request to any worker.
sub fetch {
    my ($self, $path, %option) = @_;
    return $self->request($self->{tiny}, $path, %option);
}

sub state {
    my ($self, $path, %option) = @_;
    return $self->fetch($path, %option)->{state};
}

# The same request without the cache.
sub direct {
    my ($self, $path, %option) = @_;
    return $self->fetch($path, %option, peer => '127.0.0.2');
}

# connections(NUMBER, PORT): opens NUMBER connections, each a hash with its
# `worker`, and at least one to each worker.
sub connections {
    my ($self, $number, $port) = @_;

    my %missing = map { $_ => 1 } $self->workers;
    my @connections;
    my $end = time + $MagasinNginx::Patience;

    while (time < $end) {
        return @connections if @connections == $number && !%missing;

        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $port || $self->{port}) or die "connect: $!\n";
        $socket->autoflush(1);
        my $connection = { socket => $socket };
        ask_for($connection, '/healthz');
        my $worker = receive($connection)->{worker};
        $connection->{worker} = $worker;

        # The remaining connections are reserved for workers that have none.

        next if $number - @connections <= keys %missing && !$missing{$worker};
        delete $missing{$worker};
        push @connections, $connection;
    }
    die "not every worker answers\n";
}

sub ask_for {
    my ($connection, $path) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print { $connection->{socket} }
        "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n";
    return;
}

# Returns the answer, as request() does; status 0 if none arrives in time.
sub receive {
    my ($connection, $seconds) = @_;

    my $select = IO::Select->new($connection->{socket});
    my $end    = time + ($seconds || $MagasinNginx::Patience);
    my $text   = '';

    while ((my $left = $end - time) > 0) {
        if ($text =~ /\r\n\r\n/g) {
            my $head = pos $text;
            my ($length) = $text =~ /^Content-Length: (\d+)/m;
            last if defined $length && length $text >= $head + $length;
            last if $text =~ /^Transfer-Encoding: chunked/m
                && $text =~ /\r\n0\r\n\r\n\z/;
        }
        $select->can_read($left) or last;
        sysread $connection->{socket}, $text, 65536, length $text or last;
    }

    my ($status) = $text =~ m{\AHTTP/1\.1 (\d{3})};
    my ($state)  = $text =~ /^X-Magasin-Cache: (\S+)\r$/m;
    my ($worker) = $text =~ /^X-Worker: (\d+)\r$/m;
    my ($head, $content) = split /\r\n\r\n/, $text, 2;
    return { status => $status // 0, state => $state // '',
        worker => $worker, head => $head // '', content => $content // '' };
}

# The number of statements that wait for a lock in PostgreSQL.
sub blocked {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web' AND wait_event_type = 'Lock'");
}

# Words of the zone by their offsets in its fixed part, in this version of it:
# see ngx_http_magasin_zone.h and ngx_http_magasin_cache_shared_internal.h.  The
# section of the cache comes after the header and the two of PostgreSQL.
my $version     = 4;
my $generations = 128 + 320 + 65536 * 8;
our %Words = (
    dirty       => 16,
    rebuilt     => 24,
    epoch       => $generations,
    fresh_until => $generations + 8,
    polled_life => $generations + 24,
    poller      => $generations + 56,
    until       => $generations + 64,
    pinned      => $generations + 72,
);

# zone_word(NAME, VALUE): reads a word, or writes it if there is a VALUE,
# through the memory of a worker.  Dies if that is not permitted.
sub zone_word {
    my ($self, $name, $value) = @_;

    my ($pid) = $self->workers or die "no worker\n";
    open my $memory, '+<:raw', "/proc/$pid/mem"
        or die "/proc/$pid/mem: $!\n";

    no warnings 'portable';

    # The fixed part starts at the start of a page, with a magic number.  The
    # zone starts with the lock of the slab pool.

    for (split /\n/, MagasinNginx::slurp("/proc/$pid/maps")) {
        my ($start, $end) = map {hex} /^([0-9a-f]+)-([0-9a-f]+) rw-s/ or next;
        for (my $page = $end; $page > $start;) {
            $page -= 4096;
            sysseek $memory, $page, 0;
            sysread($memory, my $head, 8) or last;
            my ($magic, $is) = unpack 'LL', $head;
            next if $magic != 0x4d414741;
            die "the zone is of version $is\n" if $is != $version;

            sysseek $memory,
                $name eq 'lock' ? $start : $page + $Words{$name}, 0;
            return syswrite $memory, pack 'Q', $value if defined $value;
            sysread $memory, my $word, 8;
            return unpack 'Q', $word;
        }
    }
    die "no zone\n";
}

# The worker that polls the journal.
sub poller { return $_[0]->zone_word('poller') }

# halt(PID...): stops these workers, none of them while it holds the lock of the
# zone, for which all others would wait.
sub halt {
    my ($self, @pids) = @_;

    MagasinNginx::wait_for(sub {
        MagasinNginx::halt(@pids);
        my $holder = eval { $self->zone_word('lock') } || 0;
        return 1 unless grep { $_ == $holder } @pids;
        kill 'CONT', @pids;
        return 0;
    }) or die "a worker keeps the lock\n";
    return;
}

# quiet(CHANGE): writes words of the zone while all workers are stopped.
sub quiet {
    my ($self, $change) = @_;
    my @workers = $self->workers;

    $self->halt(@workers);
    my $done = eval { $change->(); 1 };
    my $why  = $@;
    kill 'CONT', @workers;
    die $why unless $done;
    return;
}

# The body without the timestamp of an error.
sub content {
    my ($answer) = @_;
    my $content = $answer->{content} // '';
    return $answer->{status} == 200 ? $content
        : MagasinTest::timeless($content);
}

# Everything that a client sees, except what differs in each answer.
sub visible {
    my ($answer) = @_;
    my %headers = %{ $answer->{headers} };
    delete @headers{qw(date x-magasin-cache x-worker connection server)};
    return join "\n", $answer->{status},
        (map {"$_: $headers{$_}"} sort keys %headers), '', content($answer);
}

# Requests the paths until there is a hit.  Returns whether there was one in
# time.
sub fill {
    my ($self, @paths) = @_;

    my $end = time + $MagasinNginx::Patience;
    for my $path (@paths) {
        until ($self->state($path) eq 'HIT') {
            return 0 if time > $end;
        }
    }
    return 1;
}

# Returns for how many seconds from now answers failed CONDITION, measured at
# the start of the last failing request.  It is never more than the real delay.
sub late {
    my ($self, $path, $condition) = @_;

    my $start = time;
    my $late  = 0;
    my $asked;

    for (;;) {
        $asked = time;
        last if $condition->($self->fetch($path));
        $late = $asked - $start;
        last if $late > 10;
        sleep 0.005;
    }
    return $late;
}

1;
