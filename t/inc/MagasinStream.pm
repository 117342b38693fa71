package MagasinStream;

# A client of GET /api/v1/journal/stream/ (HTTP/1.1).  It remembers what it got,
# resumes by Last-Event-ID, and reads only when it is asked to.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

use MagasinNginx;

our $Path = '/api/v1/journal/stream/';

# open(NGINX, QUERY => '?magasin=1', headers => ['Name: value'],
#      id => 'the last event', rcvbuf => bytes): sends the request.
sub open {
    my ($class, $nginx, %option) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    $socket->sockopt(SO_RCVBUF => $option{rcvbuf}) if $option{rcvbuf};
    $socket->connect($option{port} || $nginx->{port},
        Socket::inet_aton('127.0.0.1')) or die "connect: $!\n";
    $socket->autoflush(1);
    $socket->blocking(0);

    my $self = bless {
        socket => $socket, raw => '', head => undef, body => '',
        events => [], comments => 0, id => $option{id}, ended => 0,
    }, $class;

    my @headers = @{ $option{headers} || [] };
    push @headers, "Last-Event-ID: $option{id}" if defined $option{id};
    print {$socket} join "\r\n", "GET $Path" . ($option{query} // '')
        . ' HTTP/1.1', 'Host: localhost', @headers, '', '';
    return $self;
}

# Read what is there.  Returns the client.
sub look {
    my ($self, $seconds) = @_;

    my $select = IO::Select->new($self->{socket});
    while (!$self->{ended} && $select->can_read($seconds // 0)) {
        my $n = sysread $self->{socket}, $self->{raw}, 65536,
            length $self->{raw};
        $self->{ended} = 1 if !$n;
        $seconds = 0;
    }
    $self->_parse;
    return $self;
}

sub _parse {
    my ($self) = @_;

    if (!defined $self->{head}) {
        $self->{raw} =~ s/\A(.*?\r\n)\r\n//s or return;
        $self->{head} = $1;
        ($self->{status}) = $self->{head} =~ m{\AHTTP/1\.1 (\d+)};
    }
    if ($self->{head} !~ /^Transfer-Encoding: chunked/mi) {
        $self->{body} .= $self->{raw};
        $self->{raw} = '';
    }
    while ($self->{raw} =~ /\A([0-9a-f]+)\r\n/) {
        my ($start, $size) = ($+[0], hex $1);
        last if length $self->{raw} < $start + $size + 2;
        $self->{body} .= substr $self->{raw}, $start, $size;
        substr $self->{raw}, 0, $start + $size + 2, '';
        $self->{ended} = 1, last if $size == 0;
    }
    return if $self->{status} != 200;

    # What is not whole does not count, as a browser has it.
    while ($self->{body} =~ s/\A(.*?)\n\n//s) {
        my %event = (comment => 0);
        for my $line (split /\n/, $1) {
            $event{comment}++, next if $line =~ /^:/;
            my ($name, $value) = $line =~ /^(\w+): ?(.*)$/
                or die "no line of an event: $line\n";
            $event{$name} = $value;
        }
        $self->{id}    = $event{id} if defined $event{id};
        $self->{retry} = $event{retry} if defined $event{retry};
        $self->{comments} += $event{comment};
        push @{ $self->{events} }, \%event if defined $event{data};
    }
    return;
}

# Wait until the stream has begun, or was refused.  Returns the status.
sub status {
    my ($self) = @_;
    MagasinNginx::wait_for(sub {
        $self->look(0.02);
        return defined $self->{status}
            && ($self->{status} != 200 || defined $self->{retry})
            || $self->{ended};
    });
    return $self->{status} // 0;
}

# Wait for so many events.  Returns their number.
sub wait_events {
    my ($self, $n) = @_;
    MagasinNginx::wait_for(sub {
        $self->look(0.02);
        return @{ $self->{events} } >= $n || $self->{ended};
    });
    return scalar @{ $self->{events} };
}

# Wait for so many comments, which come when nothing else does.  Returns their
# number.
sub wait_comments {
    my ($self, $n, $seconds) = @_;
    MagasinNginx::wait_for(sub {
        $self->look(0.02);
        return $self->{comments} >= $n || $self->{ended};
    }, $seconds);
    return $self->{comments};
}

# Wait for the end of the stream.  Returns whether it came.
sub wait_end {
    my ($self, $seconds) = @_;
    return MagasinNginx::wait_for(sub {
        $self->look(0.02);
        return $self->{ended};
    }, $seconds);
}

# The ids of the rows of the journal in the events so far.
sub rows {
    my ($self) = @_;
    return map { $_->{data} =~ /^\{"id":(\d+),/ ? $1 : '?' }
        @{ $self->{events} };
}

sub close {
    my ($self) = @_;
    CORE::close $self->{socket};
    return;
}

1;
