# scripts/rooms.py finds what breaks the order of the module's rooms.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

# The check's answer to a tree of files: {path => text}.
sub check {
    my (%files) = @_;
    my $top = tempdir(CLEANUP => 1);
    for my $path (sort keys %files) {
        my ($room) = $path =~ m{^(.*)/};
        make_path("$top/" . ($room // ''));
        open my $file, '>', "$top/$path" or die "$path: $!\n";
        print $file $files{$path};
        close $file or die "$path: $!\n";
    }
    return scalar qx(scripts/rooms.py $top 2>&1);
}

my %sound = (
    'text/a.h'           => '',
    'text/a_internal.h'  => qq(#include "a.h"\n),
    'text/a.c'           => qq(#include "a_internal.h"\n),
    'cache/b.h'          => qq(#include "a.h"\n),
    'cache/b.c'          => qq(#include "b.h"\n#include "generated.h"\n),
    'module.c'           => qq(#include "b.h"\n),
);
is(check(%sound), '', 'what keeps to its floor is not told of');

my @planted = (
    [ 'an include that goes up',
        'text/up.c' => qq(#include "b.h"\n),
        qr{^rooms: text/up\.c includes b\.h of cache, which is not below\.$}m ],
    [ 'an include of a room beside',
        'measure/side.c' => qq(#include "a.h"\n),
        qr{^rooms: measure/side\.c includes a\.h of text, which is not}m ],
    [ 'what is internal to another room',
        'cache/inside.c' => qq(#include "a_internal.h"\n),
        qr{^rooms: cache/inside\.c includes a_internal\.h, which is text's}m ],
    [ 'a ring of headers in one room',
        'text/a.h' => qq(#include "a_internal.h"\n),
        qr{^rooms: a ring of includes: (\S+) -> \S+ -> \1\.$}m ],
    [ 'two files of one name',
        'cache/a.h' => '',
        qr{^rooms: \w+ and \w+ both have a\.h\.$}m ],
    [ 'a folder that is no room',
        'attic/c.c' => '',
        qr{^rooms: attic/c\.c: attic is no room}m ],
);

for my $planted (@planted) {
    my ($name, $path, $text, $expected) = @$planted;
    like(check(%sound, $path => $text), $expected, $name);
}

is(scalar qx(scripts/rooms.py 2>&1), '', 'the module keeps to its floors');

done_testing();
