package MagasinStandby;

# A PostgreSQL of the suite's own, with the schema, and standbys that stream
# from it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use MagasinNginx;
use MagasinTest;

# As the user whose clusters they are.
my @server = $> == 0 ? qw(runuser -u postgres --) : ();

my @all;
my $suite = $$;

END {
    my $status = $?;
    if ($$ == $suite) {
        for my $one (reverse @all) {
            eval { $one->stop('immediate') };
            eval { $one->instance('stop') } if !$one->{setting};
        }
    }
    $? = $status;
}

sub run {
    my (@command) = @_;
    open my $pipe, '-|', 'bash', '-c', 'cd / && exec "$@" 2>&1 </dev/null',
        'bash', @server, @command or die "bash: $!\n";
    my $output = do { local $/; <$pipe> };
    close $pipe or die "@command: $output\n";
    return $output;
}

sub instance {
    my ($self, $command) = @_;
    local $ENV{RUN_DIR} = $self->{home};
    my $output = `scripts/instance.sh $command 2>&1 </dev/null`;
    die "$command: $output\n" if $?;
    chomp $output;
    return $output;
}

# prepare(DIRECTORY): a copy of the cluster of make test, with its schema, for
# "instance.sh start-db", which would take seconds to make one.
sub prepare {
    my ($home) = @_;
    my $cluster = $ENV{TEST_NGINX_CLUSTER} or return;
    system('cp', '-a', $cluster, "$home/data") == 0 or die "cp failed\n";
    open my $lock, '>', "$home/.lock" or die "$home/.lock: $!\n";
    close $lock;
    return;
}

# primary(): the server that standbys are made of.  From here on the suite uses
# its database.
sub primary {
    my ($class) = @_;

    my $home = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $home;
    my $self = bless { home => $home, data => "$home/data", owner => $suite },
        $class;
    push @all, $self;

    prepare($home);
    $self->instance('start-db');
    $self->{web}   = $self->instance('web-conninfo');
    $self->{admin} = $self->instance('admin-conninfo');
    ($self->{sockets}) = $self->{admin} =~ /host=(\S+)/;
    $ENV{TEST_NGINX_DATABASE}       = $self->{web};
    $ENV{TEST_NGINX_ADMIN_DATABASE} = $self->{admin};

    open my $version, '<', "$self->{data}/PG_VERSION"
        or die "PG_VERSION: $!\n";
    chomp($self->{version} = <$version>);
    $self->admit;
    return $self;
}

# Let standbys stream; instance.sh writes the file anew at each start.
sub admit {
    my ($self) = @_;
    run('sh', '-c', 'echo "local replication postgres '
        . ($> == 0 ? 'peer map=magasin' : 'trust')
        . "\" >>'$self->{data}/pg_hba.conf'");
    $self->sql('SELECT pg_reload_conf()');
    return;
}

# standby(SETTING => VALUE ...): a standby of this server, which runs.
sub standby {
    my ($self, %setting) = @_;

    my $home = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $home;
    my $standby = bless { home => $home, data => "$home/data",
        sockets => $home, version => $self->{version}, owner => $suite },
        ref $self;
    mkdir $standby->{data}, 0700 or die "mkdir: $!\n";

    if ($> == 0) {
        my ($uid, $gid) = (stat $self->{data})[4, 5];
        chown $uid, $gid, $home, $standby->{data};
    }
    run("/usr/lib/postgresql/$self->{version}/bin/pg_basebackup", '-h',
        $self->{sockets}, '-U', 'postgres', '-D', $standby->{data},
        '--checkpoint=fast', '--write-recovery-conf', '--wal-method=stream');

    push @all, $standby;
    ($standby->{web}   = $self->{web}) =~ s/host=\S+/host=$home/;
    ($standby->{admin} = $self->{admin}) =~ s/host=\S+/host=$home/;
    $standby->{setting} = { max_standby_streaming_delay => '30s', %setting };
    $standby->start;
    return $standby;
}

sub start {
    my ($self) = @_;

    if (!$self->{setting}) {
        $self->instance('start-postgres');
        $self->admit;
        return;
    }
    my $options = join ' ', "-c unix_socket_directories=$self->{sockets}",
        '-c unix_socket_permissions=0777', '-c wal_retrieve_retry_interval=100',
        map {"-c $_=$self->{setting}{$_}"} sort keys %{ $self->{setting} };
    run("/usr/lib/postgresql/$self->{version}/bin/pg_ctl", 'start', '-s', '-w',
        '-t', '60', '-D', $self->{data}, '-l', "$self->{data}/log", '-o',
        $options);
    return;
}

# stop(MODE): fast, or immediate.
sub stop {
    my ($self, $mode) = @_;
    $self->wake;
    return unless -e "$self->{data}/postmaster.pid";
    if (!$self->{setting}) {
        $self->instance('stop-postgres ' . ($mode // 'fast'));
        return;
    }
    run("/usr/lib/postgresql/$self->{version}/bin/pg_ctl", 'stop', '-s', '-w',
        '-t', '60', '-D', $self->{data}, '-m', $mode // 'fast');
    return;
}

# The postmaster and its children.
sub pids {
    my ($self) = @_;
    open my $file, '<', "$self->{data}/postmaster.pid" or return;
    chomp(my $master = <$file>);
    my $children = MagasinNginx::slurp(
        "/proc/$master/task/$master/children") // '';
    return ($master, split ' ', $children);
}

# halt(): SIGSTOP to all of them, until wake().
sub halt {
    my ($self) = @_;
    my @pids = $self->pids;
    kill 'STOP', @pids;
    $self->{halted} = 1;
    return;
}

sub wake {
    my ($self) = @_;
    kill 'CONT', $self->pids if delete $self->{halted};
    return;
}

# A standby may cancel what is in the way of its replay.
sub sql {
    my ($self, @statements) = @_;
    local $ENV{TEST_NGINX_ADMIN_DATABASE} = $self->{admin};
    my $text;
    until (eval {
        $text = MagasinTest::statements(@statements); 1 }) {
        die $@ unless $self->{setting} && $@ =~ /conflict with recovery/;
    }
    return $text;
}

# pause(): what it streams is not replayed, until resume().
sub pause {
    my ($self) = @_;
    $self->sql('SELECT pg_wal_replay_pause()');
    MagasinNginx::wait_for(sub {
        $self->sql('SELECT pg_get_wal_replay_pause_state()') eq 'paused' })
        or die "the replay does not pause\n";
    return;
}

sub resume {
    my ($self) = @_;
    $self->sql('SELECT pg_wal_replay_resume()');
    return;
}

# follows(STANDBY): waits until it has replayed all that there is.
sub follows {
    my ($self, $standby) = @_;
    my $end = $self->sql('SELECT pg_current_wal_insert_lsn()');
    MagasinNginx::wait_for(sub {
        $standby->sql("SELECT pg_last_wal_replay_lsn() >= '$end'") eq 't' })
        or die "the standby does not follow\n";
    return;
}

sub promote {
    my ($self) = @_;
    $self->sql('SELECT pg_promote(true, 60)');
    return;
}

1;
