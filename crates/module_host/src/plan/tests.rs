use super::*;
use crate::{LoadOutcome, ModuleInfo};

struct Named(&'static str);

impl Builtin for Named {
    fn info(&self) -> ModuleInfo {
        ModuleInfo {
            name: self.0.into(),
            description: String::new(),
            requires: Vec::new(),
            optional: Vec::new(),
            priority: 60,
            support: module_api::Support::Core,
        }
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The plan for that text with the built-in modules `res_pjsip` and `pbx_config`, and the files
/// `res_b.so` and `libres_a.so`; as words: name, where it is, `p`reload, `r`equired.
fn planned(text: &str) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    for file in ["res_b.so", "libres_a.so"] {
        std::fs::write(dir.path().join(file), "").unwrap();
    }
    let builtins: Vec<Arc<dyn Builtin>> = vec![Arc::new(Named("res_pjsip")), Arc::new(Named("pbx_config"))];
    let config = conf::Loader::new(dir.path()).parse("modules.conf", text).unwrap();
    let plan = plan(&config, &builtins, dir.path()).map_err(|error| error.to_string())?;
    let words = plan.modules.iter().map(|module| {
        let source = match &module.source {
            Source::Builtin(_) => "builtin".to_owned(),
            Source::File(path) => path.file_name().unwrap().to_str().unwrap().to_owned(),
            Source::Missing => "missing".to_owned(),
        };
        let preload = if module.preload { "p" } else { "" };
        let required = if module.required.is_some() { "r" } else { "" };
        format!("{}:{source}:{preload}{required}", module.name)
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}

#[test]
fn lines_are_taken_in_their_order() {
    let text = "[modules]\nload => res_b.so\nload = pbx_config\nload => res_a\n";
    assert_eq!(planned(text).unwrap(), "res_b:res_b.so: pbx_config:builtin: res_a:libres_a.so:");
}

#[test]
fn names_go_with_or_without_suffix_and_in_any_case() {
    let text = "[modules]\nLOAD => RES_PJSIP.SO\nload => res_pjsip\nload => Res_B\n";
    assert_eq!(planned(text).unwrap(), "res_pjsip:builtin: res_b:res_b.so:");
}

#[test]
fn prefixes_are_not_guessed() {
    assert_eq!(planned("[modules]\nload => pjsip\n").unwrap(), "pjsip:missing:");
}

#[test]
fn autoload_adds_what_there_is_after_the_lines() {
    let text = "[modules]\nautoload = yes\nload => res_b.so\n";
    assert_eq!(
        planned(text).unwrap(),
        "res_b:res_b.so: res_pjsip:builtin: pbx_config:builtin: res_a:libres_a.so:"
    );
    assert_eq!(planned("[modules]\nautoload = no\n").unwrap(), "");
    assert_eq!(planned("[other]\nautoload = yes\n").unwrap(), "");
}

#[test]
fn noload_beats_load_preload_and_autoload_wherever_it_stands() {
    let text = "[modules]\nnoload => PBX_CONFIG.so\nnoload => nosuch\nautoload = yes\n\
                load => pbx_config\npreload => res_b\nnoload => res_b.so\n";
    assert_eq!(planned(text).unwrap(), "res_pjsip:builtin: res_a:libres_a.so:");
}

#[test]
fn properties_of_one_module_add_up() {
    let text = "[modules]\nload => res_a\npreload => res_b\nrequire => res_a.so\npreload => res_a\n\
                preload-require => pbx_config\n";
    assert_eq!(planned(text).unwrap(), "res_a:libres_a.so:pr res_b:res_b.so:p pbx_config:builtin:pr");
}

#[test]
fn what_is_required_cannot_be_excluded() {
    let text = "[modules]\nrequire => res_a\n\nnoload => res_a.so\n";
    let error = planned(text).unwrap_err();
    assert_eq!(error, "modules.conf:4:1: noload excludes res_a, which modules.conf:2:1 requires");
}

#[test]
fn errors_name_line_and_option() {
    let cases = [
        ("[modules]\nload-require => x\n", "modules.conf:2:1: unknown option 'load-require'"),
        ("[modules]\npreload-all => x\n", "modules.conf:2:1: unknown option 'preload-all'"),
        ("[modules]\n\nautoload = perhaps\n", "modules.conf:3:1: autoload is yes or no, not 'perhaps'"),
        ("[modules]\nload =>\n", "modules.conf:2:1: load names no module"),
    ];
    for (text, expected) in cases {
        let error = planned(text).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_only_asterisk_has_is_named_in_one_line() {
    let text = "[modules]\nload => app_dial.so\npreload = res_odbc.so\nload => res_pjsipp.so\nload => mine\n";
    assert_eq!(planned(text).unwrap(), "res_pjsipp:missing: mine:missing:");
    let config = conf::Loader::new(".").parse("modules.conf", text).unwrap();
    let plan = plan(&config, &[], Path::new("/nonexistent")).unwrap();
    assert_eq!(
        plan.foreign_line().as_deref(),
        Some(
            "3 modules that modules.conf names are not part of Starling and are left out: app_dial, res_odbc, res_pjsipp"
        )
    );
    assert_eq!(planned("[modules]\nrequire = res_odbc.so\n").unwrap(), "res_odbc:missing:r");
}
