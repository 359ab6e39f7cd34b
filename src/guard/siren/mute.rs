//! Whether the mixer in front of the loudspeaker lets anything through.
//!
//! A muted card takes samples like any other, so only its mixer can tell. Looked at are the controls
//! that everything goes through, by the names ALSA's drivers give them.
//!
//! Not here: an amplifier's knob, which nobody but the daily audible test finds.

use alsa::mixer::{Mixer, Selem, SelemChannelId, SelemId};

/// Controls that all sound of a card passes.
const CONTROLS: [&str; 2] = ["Master", "PCM"];

/// Why nothing would be heard, for people; `None` also where there is no mixer to ask.
pub fn muted(pcm: &str) -> Option<String> {
    let mixer = Mixer::new(&control_of(pcm), false).ok()?;
    CONTROLS.iter().find_map(|name| {
        let control = mixer.find_selem(&SelemId::new(name, 0))?;
        closed(&control).map(|how| {
            format!("the sound device is {how} (its control {name:?}); open it with `alsamixer`")
        })
    })
}

fn closed(control: &Selem<'_>) -> Option<&'static str> {
    let channels: Vec<SelemChannelId> = SelemChannelId::all()
        .iter()
        .copied()
        .filter(|channel| control.has_playback_channel(*channel))
        .collect();
    let off = |channel: &SelemChannelId| control.get_playback_switch(*channel) == Ok(0);
    if control.has_playback_switch() && !channels.is_empty() && channels.iter().all(off) {
        return Some("muted");
    }
    let (least, most) = control.get_playback_volume_range();
    let lowest = |channel: &SelemChannelId| control.get_playback_volume(*channel) == Ok(least);
    let turned_down = control.has_playback_volume()
        && least < most
        && !channels.is_empty()
        && channels.iter().all(lowest);
    turned_down.then_some("turned down to nothing")
}

/// The mixer of a device: that of its card, or of the same name where the name says no card.
fn control_of(pcm: &str) -> String {
    let until_comma = |text: &str| text.split(',').next().unwrap_or(text).to_owned();
    if let Some((_, card)) = pcm.split_once("CARD=") {
        return format!("hw:{}", until_comma(card));
    }
    match pcm.strip_prefix("hw:").or_else(|| pcm.strip_prefix("plughw:")) {
        Some(card) => format!("hw:{}", until_comma(card)),
        None => pcm.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_is_that_of_the_devices_card() {
        assert_eq!(control_of("sysdefault:CARD=PCH"), "hw:PCH");
        assert_eq!(control_of("hdmi:CARD=NVidia,DEV=0"), "hw:NVidia");
        assert_eq!(control_of("plughw:1,0"), "hw:1");
        assert_eq!(control_of("default"), "default");
    }
}
