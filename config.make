# Read by nginx's auto/make: the rules that embed the prepared statements, the
# scripts of Redis, the page of /status and the version.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/ngx_http_magasin_statements.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/sql/statements/*.sql)
	sh $ngx_addon_dir/scripts/embed.sh statements \\
		$ngx_addon_dir/sql/statements > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_http_magasin_scripts.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/ngx_http_magasin_module/cache/lua/*.lua)
	sh $ngx_addon_dir/scripts/embed.sh scripts \\
		$ngx_addon_dir/ngx_http_magasin_module/cache/lua > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_http_magasin_pages.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		\$(wildcard $ngx_addon_dir/ngx_http_magasin_module/observe/page/*)
	sh $ngx_addon_dir/scripts/embed.sh pages \\
		$ngx_addon_dir/ngx_http_magasin_module/observe/page > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/ngx_http_magasin_version.h: \\
		$ngx_addon_dir/scripts/embed.sh \\
		$ngx_addon_dir/scripts/version.sh \\
		\$(wildcard $NGX_OBJS/commit) \\
		$ngx_addon_dir/VERSION
	sh $ngx_addon_dir/scripts/embed.sh version $ngx_addon_dir/VERSION > \$@.tmp
	mv \$@.tmp \$@

# Not a header of all: each commit changes it.
$NGX_OBJS/addon/observe/ngx_http_magasin_metrics_text.o \\
$NGX_OBJS/addon/observe/ngx_http_magasin_status_json.o: \\
	$NGX_OBJS/ngx_http_magasin_version.h

END
