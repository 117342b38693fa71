package MagasinHostile;

# A server at the address of Redis that greets and answers as Redis does, until
# say() selects a moment at which it sends another text.
#
#   my $server = MagasinHostile->new($path);
#   $server->say(reply => "*1\r\n");     instead of the answer to a read
#   $server->say(extra => '+OK');        after the answer to a PING
#   $server->say(greeting => ...);       instead of the answer to INFO
#   $server->say(channel => ...);        after the answer to SUBSCRIBE
#   $server->behave;                     answers as Redis again
#   $server->said, $server->closed       number of times since say()

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time sleep);

sub new {
    my ($class, $path) = @_;

    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 16)
        or die "no socket: $!\n";
    my $self = bless { path => $path, owner => $$ }, $class;
    $self->behave;

    $self->{pid} = fork // die "fork: $!\n";
    if ($self->{pid} == 0) {
        $SIG{PIPE} = 'IGNORE';
        serve($path, $listener);
        require POSIX;
        POSIX::_exit(0);
    }
    return $self;
}

sub say {
    my ($self, $moment, $text, %option) = @_;

    unlink "$self->{path}.said", "$self->{path}.closed";
    write_file("$self->{path}.new", join "\n", $moment,
        $option{close} ? 'close' : $option{trickle} ? 'trickle' : 'stay',
        $text);
    rename "$self->{path}.new", "$self->{path}.mode" or die "rename: $!\n";

    # With `anew` all clients must reconnect, so that each moment occurs again.

    kill 'HUP', $self->{pid} if $self->{pid} && $option{anew};
    return;
}

sub behave { return $_[0]->say('never', '') }

sub said   { return (-s "$_[0]{path}.said")   || 0 }
sub closed { return (-s "$_[0]{path}.closed") || 0 }

sub write_file {
    my ($path, $text, $how) = @_;
    open my $file, $how || '>', $path or die "$path: $!\n";
    binmode $file;
    print {$file} $text;
    close $file;
    return;
}

sub mode {
    my ($path) = @_;
    open my $file, '<', "$path.mode" or return ('never', 'stay', '');
    binmode $file;
    local $/;
    return split /\n/, scalar <$file>, 3;
}

sub serve {
    my ($path, $listener) = @_;
    my $select = IO::Select->new($listener);
    my (%client, $anew);
    local $SIG{HUP} = sub { $anew = 1 };

    for (;;) {
        if ($anew) {
            $anew = 0;
            for my $socket (grep { $client{$_} } $select->handles) {
                $select->remove($socket);
                delete $client{$socket};
                close $socket;
            }
        }
        for my $socket ($select->can_read(0.03)) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                $select->add($client);
                $client{$client} = { in => '' };
                next;
            }
            my $client = $client{$socket};
            my $ok = sysread $socket, $client->{in}, 65536,
                length $client->{in};
            if ($ok) {
                while (my @command = command($client)) {
                    answer($path, $socket, $client, @command);
                }
                next if !$client->{gone};
            }
            write_file("$path.closed", 'x', '>>') if $client->{hostile};
            $select->remove($socket);
            delete $client{$socket};
            close $socket;
        }
        for my $socket ($select->handles) {
            my $client = $client{$socket} or next;
            syswrite $socket, 'x' if $client->{trickle};
        }
    }
    return;
}

# Returns the next complete command that a client has sent.
sub command {
    my ($client) = @_;
    my $in = $client->{in};
    $in =~ s/\A\*(\d+)\r\n// or return;
    my @words;
    for (1 .. $1) {
        $in =~ s/\A\$(\d+)\r\n// or return;
        return if length $in < $1 + 2;
        push @words, substr $in, 0, $1;
        substr $in, 0, $1 + 2, '';
    }
    $client->{in} = $in;
    return @words;
}

sub bulk { return join '', map { '$' . length($_) . "\r\n$_\r\n" } @_ }

sub answer {
    my ($path, $socket, $client, @command) = @_;
    my ($moment, $how, $text) = mode($path);
    my $name = uc $command[0];
    my ($now, $good, $behind);

    if ($name eq 'INFO') {
        $good = bulk("# Server\r\nrun_id:0123456789abcdef\r\n");
        $now  = $moment eq 'greeting';
    } elsif ($name eq 'PING') {
        $good = bulk($command[1]);
        $now  = $moment eq 'extra';
        $behind = 1;
    } elsif ($name eq 'SUBSCRIBE') {
        $good = "*3\r\n" . join '', bulk('subscribe', $command[1]), ":1\r\n";
        $now  = $moment eq 'channel';
        $behind = 1;
        $client->{channel} = $command[1];
    } elsif ($name eq 'PTTL') {
        $good = ":60000\r\n";
    } elsif ($name eq 'MGET') {
        $good = "*$#command\r\n" . join '', bulk(('tag') x $#command);
    } elsif ($name eq 'HMGET') {
        $good = "*3\r\n\$-1\r\n\$-1\r\n\$-1\r\n";
        $now  = $moment eq 'reply';
    } else {
        $good = ":1\r\n";
    }

    return if $client->{hostile};
    if (!$now) {
        syswrite $socket, $good;
        return;
    }

    my $channel = $client->{channel} // '';
    $text =~ s/CHANNEL/$channel/g;
    $client->{hostile} = 1;
    $client->{trickle} = $how eq 'trickle';
    $client->{gone}    = $how eq 'close';
    write_file("$path.said", 'x', '>>');
    syswrite $socket, ($behind ? $good : '') . $text;
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
