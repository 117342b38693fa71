# Read by nginx's auto/make: the rule that embeds the prepared statements.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/ngx_http_magasin_statements.h: \\
		$ngx_addon_dir/scripts/embed_statements.sh \\
		\$(wildcard $ngx_addon_dir/sql/statements/*.sql)
	sh $ngx_addon_dir/scripts/embed_statements.sh \\
		$ngx_addon_dir/sql/statements > \$@.tmp
	mv \$@.tmp \$@

END
