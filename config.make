# Read by nginx's auto/make: the rules that embed the prepared statements, the
# scripts of Redis and the page of /status.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/ngx_http_magasin_statements.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/sql/statements/*.sql)
	sh $ngx_addon_dir/scripts/embed.sh statements \\
		$ngx_addon_dir/sql/statements > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_http_magasin_scripts.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/ngx_http_magasin_module/redis/*.lua)
	sh $ngx_addon_dir/scripts/embed.sh scripts \\
		$ngx_addon_dir/ngx_http_magasin_module/redis > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_http_magasin_pages.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/ngx_http_magasin_module/status/*)
	sh $ngx_addon_dir/scripts/embed.sh pages \\
		$ngx_addon_dir/ngx_http_magasin_module/status > \$@.tmp
	mv \$@.tmp \$@

END
