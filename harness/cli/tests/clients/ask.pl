use strict;
use warnings;
use HTTP::Tiny;

my ($base) = @ARGV;
my $client = HTTP::Tiny->new(verify_SSL => 1, default_headers => { authorization => "Bearer $ENV{TOKEN}" });
print $client->get("$base/issues")->{content}, "\n";
my %json = (headers => { 'content-type' => 'application/json' }, content => '{"title":"a"}');
print $client->post("$base/issues", \%json)->{content}, "\n";
