use conf::Loader;

use super::*;

fn read(text: &str) -> (Settings, Vec<String>) {
    let (settings, remarks) = Settings::read(&Loader::new("/nowhere").parse("logger.conf", text).unwrap());
    (settings, remarks.iter().map(|remark| format!("{:?} {remark}", remark.severity)).collect())
}

#[test]
fn a_file_as_the_field_writes_it() {
    let (settings, remarks) = read(
        "[general]\n\
         dateformat = %F %T.%3q\n\
         appendhostname = yes\n\
         rotatestrategy = rotate\n\
         logger_queue_limit = 50\n\
         custom_levels = billing\n\
         use_callids = yes\n\
         [logfiles]\n\
         console => notice,warning,error\n\
         full.txt => [plain]*\n\
         messages = Notice, WARNING,verbose(3),billing\n\
         syslog.LOCAL0 = [json]security\n",
    );
    assert_eq!(remarks, Vec::<String>::new());
    assert!(settings.append_hostname);
    assert_eq!(settings.queue_limit, 50);
    assert_eq!(settings.rotate, Strategy::Rotate);
    let kinds: Vec<_> = settings.channels.iter().map(|channel| channel.kind).collect();
    let local0 = Facility::from_name("local0").unwrap();
    use ChannelKind::{Console, File};
    assert_eq!(kinds, [Console, File, File, ChannelKind::Syslog(local0)]);
    let levels: Vec<_> = settings.channels.iter().map(|channel| channel.levels).collect();
    assert!(levels[0].contains(Level::NOTICE) && !levels[0].contains(Level::VERBOSE));
    assert_eq!((settings.channels[1].formatter, levels[1]), (Formatter::Plain, LevelSet::ALL));
    assert_eq!(levels[2].own_verbosity(), 3);
    assert!(levels[2].contains(Level::from_number(8).unwrap()));
    assert_eq!(settings.channels[3].formatter, Formatter::Json);
}

#[test]
fn what_is_wrong_names_its_line_and_costs_nothing_else() {
    let (settings, remarks) = read(
        "[general]\n\
         dateformat = %\n\
         logger_queue_limit = 9\n\
         rotatestrategy = weekly\n\
         [logfiles]\n\
         a = [xml]error\n\
         b = error,alarm\n\
         b = error\n\
         syslog.x = error\n\
         c = verbose(many)\n\
         d = [json error\n\
         e = error\n",
    );
    let names: Vec<_> = settings.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["b", "e"]);
    let places: Vec<_> = remarks.iter().map(|remark| remark.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "Error logger.conf:2:1",
            "Error logger.conf:3:1",
            "Error logger.conf:4:1",
            "Error logger.conf:6:1",
            "Warning logger.conf:7:1",
            "Error logger.conf:8:1",
            "Error logger.conf:9:1",
            "Error logger.conf:10:1",
            "Error logger.conf:11:1",
        ]
    );
    assert_eq!(settings.custom_levels, ["ALARM"]);
}

#[test]
fn without_channels_the_console_gets_what_matters() {
    let (settings, _) = read("; only a comment\n");
    assert_eq!(settings.channels, Settings::default().channels);
    let levels = settings.channels[0].levels;
    assert!(
        levels.contains(Level::VERBOSE) && levels.contains(Level::ERROR) && !levels.contains(Level::DEBUG)
    );
}

#[test]
fn more_custom_levels_than_there_are_numbers() {
    let names: Vec<_> = (0..40).map(|number| format!("c{number}")).collect();
    let (_, remarks) = read(&format!("[logfiles]\nf = {}\n", names.join(",")));
    assert_eq!(remarks, ["Error logger.conf:2:1: there are too many custom levels"]);
}
